/** Names that users type and reports carry, one for each concept. */

export const STRATEGY_NAMES = ['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

export const CODEC_NAMES = ['raw', 'lz4'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];
