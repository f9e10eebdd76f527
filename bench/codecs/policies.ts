// The policies that `bench codecs` compares: the engine's compressions, and what they are measured against.
import { type Compression, isCompression } from '#engine/vocabulary.js';
import { UsageError } from '../lib/errors.js';

export interface Policy {
  readonly name: string;
  readonly compression: Compression;
  /** Pages in a block at most, where it is not the engine's choice. */
  readonly blockPages?: number;
}

/** LZ4 of single pages, beside the zero pages: what engines without blocks do. It is not on offer to users. */
export const PAGE_LZ4 = 'lz4-page';
export const RAW = 'raw';
export const AUTO = 'auto';

const NAMES = [
  RAW,
  PAGE_LZ4,
  'lz4',
  'zstd',
  'zstd:3',
  'zstd:9',
  'wkdm',
  'mecom',
  'xbzrle',
  AUTO,
] as const;

export const ALL_POLICIES: readonly Policy[] = NAMES.map(policyOf);

/** Whether a user could choose it instead of `auto`. */
export function isFixed({ name }: Policy): boolean {
  return name !== AUTO && name !== PAGE_LZ4;
}

function policyOf(name: string): Policy {
  if (name === PAGE_LZ4) return { name, compression: 'lz4', blockPages: 1 };
  if (isCompression(name)) return { name, compression: name };
  throw new UsageError(
    `no policy is called '${name}'; there are ${NAMES.join(', ')}, and zstd:LEVEL`,
  );
}

/** Names separated by commas, in that order and each once. Throws UsageError. */
export function parsePolicies(text: string): readonly Policy[] {
  return [...new Set(text.split(',').map((name) => name.trim()))].map(policyOf);
}
