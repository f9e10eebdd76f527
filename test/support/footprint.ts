/** What a process holds at a moment, from /proc: to bound what a peer can make it hold, and for how long. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { until } from './until.js';

export interface Footprint {
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

const FIGURES = ['residentBytes', 'descriptors', 'threads'] as const;

function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
}

/** Of a process that is alive. */
export function footprintOf(pid: number = process.pid): Footprint {
  return {
    residentBytes: statusBytes(pid, 'VmRSS'),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
  };
}

/** From here on, `peakResidentBytes` tells the most that was resident since now. */
export function watchPeak(pid: number = process.pid): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

export function peakResidentBytes(pid: number = process.pid): number {
  return statusBytes(pid, 'VmHWM');
}

/** What of `now` exceeds `before` by more than `most`, in words; empty when nothing does. */
export function excess(before: Footprint, now: Footprint, most: Partial<Footprint>): string[] {
  return FIGURES.flatMap((figure) => {
    const [limit, grown] = [most[figure], now[figure] - before[figure]];
    return limit === undefined || grown <= limit
      ? []
      : [`${figure}: ${grown} more than the ${before[figure]} before, at most ${limit} allowed`];
  });
}

/** Returns once `pid` holds what it held `before`, give or take `slack`. Throws, with the figures, when it never does. */
export async function untilGivenBack(
  before: Footprint,
  slack: Partial<Footprint>,
  pid: number = process.pid,
): Promise<void> {
  const most: Partial<Footprint> = { descriptors: 0, threads: 0, ...slack };
  let kept: string[] = [];
  const isGivenBack = () => {
    kept = excess(before, footprintOf(pid), most);
    return kept.length === 0;
  };
  await until('everything is given back', isGivenBack).catch((error) => {
    throw new Error(`it was never given back: ${kept.join('; ')}`, { cause: error });
  });
}
