/** Decodes one LZ4 block, as the "LZ4 Block Format Description" of LZ4 1.10.0 has it. */
import { NO_BYTES, WrongEncoding } from './decoding.js';

/** "End of block conditions" of that description: the block ends with so many literals at least … */
const LEAST_LAST_LITERALS = 5;
/** … and its last match begins so many bytes before its end, or more. Decoders may reject what does not. */
const LEAST_AFTER_MATCH_BEGINS = 12;

/** `dictionary` is what offsets may reach back to as if it came immediately before `into`. It throws as each Decode does. */
export function decodeLz4Block(
  block: Uint8Array,
  into: Uint8Array,
  dictionary: Uint8Array = NO_BYTES,
): void {
  let from = 0;
  let to = 0;
  let lastMatch = Number.NEGATIVE_INFINITY;
  /** A length of 15 goes on in the bytes that follow, up to one that is not 255. */
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15; more; ) {
      const byte = block[from++] ?? Number.NaN;
      length += byte;
      more = byte === 255;
    }
    return length;
  };
  while (from < block.length) {
    const token = block[from++] as number;
    const literals = lengthOf(token >> 4);
    if (!(from + literals <= block.length)) {
      throw new WrongEncoding('literals go beyond the end of the block');
    }
    if (to + literals > into.length) throw new WrongEncoding('it decodes to too many bytes');
    into.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === block.length) {
      if (to !== into.length) throw new WrongEncoding(`it decodes to ${to} bytes`);
      checkEnd(literals, to - lastMatch);
      return;
    }
    if (from + 2 > block.length) throw new WrongEncoding('a match has no offset');
    const distance = (block[from] as number) | ((block[from + 1] as number) << 8);
    from += 2;
    if (distance === 0 || distance > to + dictionary.length) {
      throw new WrongEncoding('a match begins before everything that it may refer to');
    }
    const match = lengthOf(token & 15) + 4;
    if (Number.isNaN(match)) {
      throw new WrongEncoding('the length of a match goes beyond the end of the block');
    }
    if (to + match > into.length) throw new WrongEncoding('it decodes to too many bytes');
    copyMatch(into, to, distance, match, dictionary);
    lastMatch = to;
    to += match;
  }
  throw new WrongEncoding('it ends without literals');
}

function checkEnd(literals: number, afterMatchBegins: number): void {
  if (literals >= LEAST_LAST_LITERALS && afterMatchBegins >= LEAST_AFTER_MATCH_BEGINS) return;
  throw new WrongEncoding('its last match begins or ends too near to the end');
}

/**
 * Copies `length` bytes that were `distance` before `to`, in `into` or, before its beginning, in the dictionary. It goes byte by byte,
 * because a match may repeat what it has just written. The caller has checked that both ends are where there is something.
 */
export function copyMatch(
  into: Uint8Array,
  to: number,
  distance: number,
  length: number,
  dictionary: Uint8Array,
): void {
  for (let at = to; at < to + length; at += 1) {
    const from = at - distance;
    into[at] = (from < 0 ? dictionary[dictionary.length + from] : into[from]) as number;
  }
}
