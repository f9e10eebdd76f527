/** Decodes a page of `sparse`: docs/encodings.md. */
import { type Decode, PAGE_BYTES, WrongEncoding } from './decoding.js';

const WORD_BYTES = 8;
const WORDS = PAGE_BYTES / WORD_BYTES;
const BITMAP_BYTES = WORDS / 8;

export const decodeSparsePage: Decode = (encoded, page) => {
  if (encoded.length < BITMAP_BYTES) {
    throw new WrongEncoding(`it has ${encoded.length} bytes, and its bitmap has ${BITMAP_BYTES}`);
  }
  page.fill(0);
  let from = BITMAP_BYTES;
  for (let word = 0; word < WORDS; word += 1) {
    if (((encoded[word >> 3] as number) & (1 << (word & 7))) === 0) continue;
    const bytes = encoded.subarray(from, from + WORD_BYTES);
    if (bytes.length < WORD_BYTES) {
      throw new WrongEncoding('its bitmap says more words than there are');
    }
    if (bytes.every((byte) => byte === 0)) {
      throw new WrongEncoding(`word ${word} is 0, and its bitmap says that it is not`);
    }
    page.set(bytes, word * WORD_BYTES);
    from += WORD_BYTES;
  }
  if (from !== encoded.length) {
    throw new WrongEncoding(`${encoded.length - from} bytes follow the words of its bitmap`);
  }
};
