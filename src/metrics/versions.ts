/** What the versions of sent pages were good for, from the rounds of a migration. Pure. */
import type { ContentName } from '../native/contents.js';
import type { RoundReport, VersionsReport } from './report.js';

/** The contents that are decoded beside what their pages held before. */
export const DELTAS: readonly ContentName[] = ['zstd-delta', 'lz4-delta', 'xbzrle'];
/** They are as small without a version, so none is looked for. */
const NEEDS_NO_VERSION: readonly ContentName[] = ['zero', 'fill'];

interface Total {
  pages: number;
  bytes: number;
}

function totalOf(
  rounds: readonly RoundReport[],
  isCounted: (content: ContentName) => boolean,
): Total {
  const total = { pages: 0, bytes: 0 };
  for (const { contents } of rounds) {
    for (const [content, stats] of Object.entries(contents)) {
      if (!isCounted(content as ContentName)) continue;
      total.pages += stats.pages;
      total.bytes += stats.bytesOut;
    }
  }
  return total;
}

/**
 * `bytes` is the most that was kept; null where nothing was. What was saved is an estimate: nobody encodes a page twice, so
 * a page that was sent as a delta counts as the mean of those that were not.
 */
export function versionsReport(
  rounds: readonly RoundReport[],
  bytes: number,
): VersionsReport | null {
  if (bytes === 0) return null;
  const isWhole = (content: ContentName) =>
    !DELTAS.includes(content) && !NEEDS_NO_VERSION.includes(content);
  const deltas = totalOf(rounds, (content) => DELTAS.includes(content));
  const whole = totalOf(rounds, isWhole);
  const missed = totalOf(rounds.slice(1), isWhole);
  const asked = deltas.pages + missed.pages;
  const perWholePage = whole.pages === 0 ? 0 : whole.bytes / whole.pages;
  return {
    bytes,
    hitRate: asked === 0 ? null : deltas.pages / asked,
    savedBytes: Math.max(0, Math.round(deltas.pages * perWholePage - deltas.bytes)),
  };
}
