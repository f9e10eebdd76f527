/** What all decoders of docs/encodings.md share. */

/** A page of guest memory (docs/encodings.md, at its beginning). */
export const PAGE_BYTES = 4096;

/** The bytes are no encoding of so many pages. */
export class WrongEncoding extends Error {
  constructor(
    message: string,
    /** Which of the block's members is wrong, from 0, where it is one alone. */
    readonly member?: number,
  ) {
    super(message);
  }
}

/**
 * Fills `into` with what `encoding` decodes to. `bases` are what the same pages held before, as many bytes as `into`; a decoder
 * that needs no bases does not look at them. Throws WrongEncoding where the bytes do not decode to exactly `into.length` bytes or
 * break a rule of docs/encodings.md; then what `into` holds means nothing.
 */
export type Decode = (encoding: Uint8Array, into: Uint8Array, bases: Uint8Array) => void;

export const NO_BYTES = new Uint8Array(0);
