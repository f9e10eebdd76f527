/**
 * Decodes a page of `xbzrle`: docs/encodings.md, after Svärd et al., "Evaluation of Delta Compression Techniques for Efficient Live
 * Migration of Large Virtual Machines" (VEE 2011).
 */
import { type Decode, WrongEncoding } from './decoding.js';

export const decodeXbzrlePage: Decode = (encoded, page, base) => {
  page.set(base);
  let from = 0;
  let to = 0;
  /** Unsigned LEB128 of at most two bytes, in its shortest form. */
  const takeLength = (what: string): number => {
    const first = encoded[from++];
    if (first === undefined) throw new WrongEncoding(`it ends before a length of ${what} bytes`);
    if (first < 128) return first;
    const second = encoded[from++];
    if (second === undefined) throw new WrongEncoding(`it ends within a length of ${what} bytes`);
    if (second === 0)
      throw new WrongEncoding(`a length of ${what} bytes is not in its shortest form`);
    if (second > 127) throw new WrongEncoding(`a length of ${what} bytes has more than two bytes`);
    return (first & 127) | (second << 7);
  };
  do {
    const equal = takeLength('equal');
    if (equal === 0 && to > 0) throw new WrongEncoding('no equal bytes are between two runs');
    if (to + equal > page.length) throw new WrongEncoding('equal bytes go beyond the page');
    to += equal;
    // A page that equals its base has no bytes that differ, and this length alone.
    if (from === encoded.length && equal === page.length) return;
    const different = takeLength('different');
    if (different === 0) throw new WrongEncoding('a run of different bytes is empty');
    if (to + different > page.length) {
      throw new WrongEncoding('different bytes go beyond the page');
    }
    if (from + different > encoded.length) {
      throw new WrongEncoding('different bytes go beyond the end of the encoding');
    }
    page.set(encoded.subarray(from, from + different), to);
    from += different;
    to += different;
  } while (from < encoded.length);
};
