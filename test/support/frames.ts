/** Reads frames without the bounds that a control channel has. */
import { FrameDecoder } from '../../src/protocol/framing.js';

export class Frames {
  readonly #decoder = new FrameDecoder();

  constructor() {
    this.#decoder.maxBytes = 2 ** 32 - 1;
  }

  /** The values of all frames that this chunk completes. */
  push(chunk: Buffer): unknown[] {
    this.#decoder.push(chunk);
    return valuesOf(this.#decoder);
  }
}

/** What has come of complete frames. */
export function valuesOf(decoder: FrameDecoder): unknown[] {
  const values: unknown[] = [];
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
    values.push(frame.value);
  }
  return values;
}
