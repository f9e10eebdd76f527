import type { Decode } from '../../../src/conformance/encodings/decoding.js';
import { PAGE_BYTES, WrongEncoding } from '../../../src/conformance/encodings/decoding.js';

/** What the decoder says about what is none; undefined where it is an encoding. Whatever else it throws is thrown on. */
export function complaintOf(decode: Decode, encoding: Uint8Array, pages = 1): string | undefined {
  const into = new Uint8Array(pages * PAGE_BYTES);
  try {
    decode(encoding, into, new Uint8Array(into.length));
    return undefined;
  } catch (error) {
    if (!(error instanceof WrongEncoding)) throw error;
    return error.member === undefined ? error.message : `member ${error.member}: ${error.message}`;
  }
}
