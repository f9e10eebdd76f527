/** The contents of entries: the table of docs/protocol.md, section 2.1. */
import { MOST } from './bounds.js';
import type { BlockContent } from './encodings/block.js';

/** What an entry's payload is: nothing, its pages, one word that they repeat, a bitmap or nothing, or a block. */
export type PayloadKind = 'none' | 'pages' | 'word' | 'bitmap' | 'block';

export interface ContentRules {
  readonly payload: PayloadKind;
  readonly mostPages: number;
  /** Each of its pages must have come before. */
  readonly needsBase: boolean;
}

/** From a block's first member to its last: all pages of a stripe. */
const MOST_BLOCK_PAGES = 1024;
const BLOCK = { payload: 'block', mostPages: MOST_BLOCK_PAGES, needsBase: false } as const;
const DELTA = { ...BLOCK, needsBase: true } as const;

function run<K extends PayloadKind>(payload: K) {
  return { payload, mostPages: MOST.entryPages, needsBase: false } as const;
}

export const CONTENTS = {
  raw: run('pages'),
  zero: run('none'),
  lz4: BLOCK,
  zstd: BLOCK,
  wkdm64: BLOCK,
  wkdm32: BLOCK,
  sparse: BLOCK,
  'zstd-delta': DELTA,
  'lz4-delta': DELTA,
  xbzrle: DELTA,
  fill: run('word'),
  missing: run('bitmap'),
} as const satisfies Readonly<Record<string, ContentRules>> &
  Readonly<Record<BlockContent, typeof BLOCK | typeof DELTA>>;

export type Content = keyof typeof CONTENTS;

/** By the number in the entry. */
export const CONTENT_OF: Readonly<Record<number, Content>> = {
  0: 'raw',
  1: 'zero',
  2: 'lz4',
  3: 'zstd',
  4: 'wkdm64',
  5: 'wkdm32',
  6: 'sparse',
  7: 'zstd-delta',
  8: 'lz4-delta',
  9: 'xbzrle',
  10: 'fill',
  255: 'missing',
};

export function isBlock(content: Content): content is BlockContent {
  return CONTENTS[content].payload === 'block';
}

/** A number for each content. */
export function zeroForEach(): Record<Content, number> {
  const names = Object.keys(CONTENTS) as Content[];
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Content, number>;
}
