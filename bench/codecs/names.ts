// How the scenarios and the rows of `bench codecs` are called, so that its tables find them again.
export const CODECS_SUITE = 'codecs';

/** No link has a `-` in its name. */
export function scenarioName(link: string, image: string): string {
  return `${link}-${image}`;
}

export function linkOfScenario(name: string): string {
  return name.slice(0, name.indexOf('-'));
}

/** What is a multiple of something else of the same sample. */
export const RATIOS = {
  'bytes-of-page-lz4': 'bytes ÷ those of zero + LZ4 a page',
  'time-of-page-lz4': 'time ÷ that of zero + LZ4 a page',
  'time-of-raw': 'time ÷ that of raw',
  'time-of-best': 'time ÷ that of the best fixed policy',
} as const;
export type RatioName = keyof typeof RATIOS;

export function rowKey(policy: string, figure: string): string {
  return `${policy}/${figure}`;
}
