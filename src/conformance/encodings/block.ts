/** Which decoder is whose: docs/encodings.md. */
import { type Decode, PAGE_BYTES, WrongEncoding } from './decoding.js';
import { decodeLz4Block } from './lz4-block.js';
import { pageByPage } from './page-by-page.js';
import { decodeSparsePage } from './sparse.js';
import { decodeWkdm32Page, decodeWkdm64Page } from './wkdm.js';
import { decodeXbzrlePage } from './xbzrle.js';
import { decodeZstd, decodeZstdDelta } from './zstd/frame.js';

/** A block has no more members. */
export const MOST_MEMBERS = 64;

export const DECODERS = {
  lz4: (encoding, into) => decodeLz4Block(encoding, into),
  zstd: decodeZstd,
  wkdm64: pageByPage(decodeWkdm64Page),
  wkdm32: pageByPage(decodeWkdm32Page),
  sparse: pageByPage(decodeSparsePage),
  'zstd-delta': decodeZstdDelta,
  'lz4-delta': pageByPage(decodeLz4Block),
  xbzrle: pageByPage(decodeXbzrlePage),
} as const satisfies Readonly<Record<string, Decode>>;

export type BlockContent = keyof typeof DECODERS;

const decoded = new Uint8Array(MOST_MEMBERS * PAGE_BYTES);
const bases = new Uint8Array(MOST_MEMBERS * PAGE_BYTES);

/**
 * Why `encoding` is none of `members` pages, at most MOST_MEMBERS; undefined where it is one.
 *
 * The reader keeps no contents of pages, and decodes deltas beside bases of zeros. That is enough: a base says what the decoded
 * bytes are, and in none of the encodings whether they may be. Lengths, offsets and tables stand in the encoding itself. What nobody
 * checks here is therefore whether the decoded pages are those that the source had.
 */
export function complaintAbout(
  content: BlockContent,
  encoding: Uint8Array,
  members: number,
): WrongEncoding | undefined {
  const bytes = members * PAGE_BYTES;
  try {
    DECODERS[content](encoding, decoded.subarray(0, bytes), bases.subarray(0, bytes));
    return undefined;
  } catch (error) {
    if (error instanceof WrongEncoding) return error;
    throw error;
  }
}
