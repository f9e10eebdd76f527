/** Which pages an entry is about: docs/protocol.md, section 2.1. */
import { type Content, isBlock } from './contents.js';

/** What an entry says about its pages. */
interface EntryPages {
  readonly page: number;
  readonly pages: number;
  readonly content: Content;
  readonly members: number;
}

/** Of the bitmap of members that the payload begins with. A block of all its pages has none. */
export function bitmapBytes({ content, pages, members }: EntryPages): number {
  return isBlock(content) && members < pages ? Math.ceil(pages / 8) : 0;
}

/** Why a bitmap is not one of the block's members; undefined where it is. */
export function complaintAboutBitmap(
  { pages, members }: EntryPages,
  bitmap: Uint8Array,
): string | undefined {
  if (!isSet(bitmap, 0)) return 'the bit of the first page is clear';
  if (!isSet(bitmap, pages - 1)) return 'the bit of the last page is clear';
  for (let bit = pages; bit < bitmap.length * 8; bit += 1) {
    if (isSet(bitmap, bit)) return `bit ${bit} is set, beyond the ${pages} pages`;
  }
  let count = 0;
  for (let bit = 0; bit < pages; bit += 1) if (isSet(bitmap, bit)) count += 1;
  return count === members ? undefined : `${count} bits are set`;
}

/**
 * The pages that the entry carries; of `missing` ones those that are. `payload` is that of a block or of missing pages, and is not
 * looked at for others.
 */
export function* pagesOf(entry: EntryPages, payload: Uint8Array): Generator<number> {
  const bits = entry.content === 'missing' ? payload.length : bitmapBytes(entry);
  for (let i = 0; i < entry.pages; i += 1) {
    if (bits === 0 || isSet(payload, i)) yield entry.page + i;
  }
}

function isSet(bitmap: Uint8Array, bit: number): boolean {
  return ((bitmap[bit >> 3] as number) & (1 << (bit & 7))) !== 0;
}
