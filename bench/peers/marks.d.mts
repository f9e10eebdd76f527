export interface Stamp {
  readonly ms: number;
  readonly side: 'source' | 'destination';
  readonly marks: number;
}

export interface Gaps {
  readonly before: number;
  readonly across: number;
  readonly after: number;
}

export function decodeStamps(buffer: Buffer): Stamp[];
export function gapsAround(
  stamps: readonly Stamp[],
  startMs: number,
  endMs: number,
): Gaps | null;
export function markCounter(stamps: readonly Stamp[]): (ms: number) => number;
