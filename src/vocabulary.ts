/** Names that users type and reports carry, one for each concept. */

export const STRATEGY_NAMES = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

/** Without a level `zstd` has level 1; with one it is `zstd:LEVEL`, 1 … 19. */
export const COMPRESSIONS = ['auto', 'raw', 'lz4', 'zstd', 'wkdm', 'mecom', 'xbzrle'] as const;
export type Compression = (typeof COMPRESSIONS)[number] | `zstd:${number}`;

export function isCompression(value: unknown): value is Compression {
  if (typeof value !== 'string') return false;
  return COMPRESSIONS.some((one) => one === value) || /^zstd:([1-9]|1[0-9])$/.test(value);
}
