/** Encodings that encode each member by itself: docs/encodings.md, "Page by page". */
import { type Decode, PAGE_BYTES, WrongEncoding } from './decoding.js';

const LENGTH_BYTES = 2;

/** Makes a decoder of blocks of one of pages. `decodePage` throws as each Decode does. */
export function pageByPage(decodePage: Decode): Decode {
  return (encoding, into, bases) => {
    let from = 0;
    for (let at = 0; at < into.length; at += PAGE_BYTES) {
      const member = at / PAGE_BYTES;
      const page = takePage(encoding, from, member);
      from += LENGTH_BYTES + page.length;
      const target = into.subarray(at, at + PAGE_BYTES);
      if (page.length === PAGE_BYTES) target.set(page);
      else
        namingMember(member, () => decodePage(page, target, bases.subarray(at, at + PAGE_BYTES)));
    }
    if (from === encoding.length) return;
    throw new WrongEncoding(`${encoding.length - from} bytes follow the last member`);
  };
}

function takePage(encoding: Uint8Array, from: number, member: number): Uint8Array {
  const begin = from + LENGTH_BYTES;
  if (begin > encoding.length) throw new WrongEncoding('it has no length', member);
  const length = (encoding[from] as number) | ((encoding[from + 1] as number) << 8);
  if (length < 1 || length > PAGE_BYTES) {
    throw new WrongEncoding(`its length is ${length}, and not 1 to ${PAGE_BYTES}`, member);
  }
  if (begin + length > encoding.length) {
    throw new WrongEncoding('it goes beyond the end of the block', member);
  }
  return encoding.subarray(begin, begin + length);
}

function namingMember(member: number, decode: () => void): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof WrongEncoding)) throw error;
    throw new WrongEncoding(error.message, member);
  }
}
