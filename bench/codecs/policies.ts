// The policies that `bench codecs` compares: the engine's compressions, and what they are measured against.
import { type Compression, isCompression } from '#engine/vocabulary.js';
import { UsageError } from '../lib/errors.js';
import type { WantedQemuMigration } from '../peers/qemu-settings.js';

export interface EnginePolicy {
  readonly name: string;
  readonly compression: Compression;
  /** Pages in a block at most, where it is not the engine's choice. */
  readonly blockPages?: number;
}

export interface QemuPolicy {
  readonly name: string;
  readonly qemu: Pick<WantedQemuMigration, 'multifd' | 'multifdCompression' | 'xbzrleCacheBytes'>;
}

export type Policy = EnginePolicy | QemuPolicy;

/** LZ4 of single pages, beside the zero pages: what engines without blocks do. It is not on offer to users. */
export const PAGE_LZ4 = 'lz4-page';
export const RAW = 'raw';
export const AUTO = 'auto';
export const QEMU_ZSTD = 'qemu-multifd-zstd';
export const QEMU_XBZRLE = 'qemu-xbzrle';

/** QEMU cannot have both at once. */
const OF_QEMU: readonly QemuPolicy[] = [
  { name: QEMU_ZSTD, qemu: { multifd: true, multifdCompression: 'zstd' } },
  // QEMU's own default, told so that every version has it.
  { name: QEMU_XBZRLE, qemu: { xbzrleCacheBytes: 64 * 2 ** 20 } },
];

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
  QEMU_ZSTD,
  QEMU_XBZRLE,
] as const;

export const ALL_POLICIES: readonly Policy[] = NAMES.map(policyOf);

export function isOfQemu(policy: Policy): policy is QemuPolicy {
  return 'qemu' in policy;
}

/** Whether a user could choose it instead of `auto`. */
export function isFixed(policy: Policy): boolean {
  return policy.name !== AUTO && policy.name !== PAGE_LZ4 && !isOfQemu(policy);
}

function policyOf(name: string): Policy {
  if (name === PAGE_LZ4) return { name, compression: 'lz4', blockPages: 1 };
  const ofQemu = OF_QEMU.find((policy) => policy.name === name);
  if (ofQemu !== undefined) return ofQemu;
  if (isCompression(name)) return { name, compression: name };
  throw new UsageError(
    `no policy is called '${name}'; there are ${NAMES.join(', ')}, and zstd:LEVEL`,
  );
}

/** Names separated by commas, in that order and each once. Throws UsageError. */
export function parsePolicies(text: string): readonly Policy[] {
  return [...new Set(text.split(',').map((name) => name.trim()))].map(policyOf);
}
