import { describe, expect, it } from 'vitest';
import type { RoundReport } from '../../src/metrics/report.js';
import { versionsReport } from '../../src/metrics/versions.js';
import type { ContentStats, Contents } from '../../src/native/contents.js';
import { sampleReport } from './sample-report.js';

const ROUND = sampleReport().rounds[0] as RoundReport;

function pages(count: number, bytesOut: number): ContentStats {
  return { pages: count, bytesIn: count * 4096, bytesOut, encodeMs: 1 };
}

function report(...rounds: readonly Contents[]) {
  return versionsReport(
    rounds.map((contents) => ({ ...ROUND, contents })),
    5000,
  );
}

describe('what the report says of versions', () => {
  it('is nothing where none was kept', () => {
    expect(versionsReport([ROUND], 0)).toBeNull();
  });

  it('has no hit rate where no page was sent again', () => {
    expect(report({ zstd: pages(100, 100_000) })).toEqual({
      bytes: 5000,
      hitRate: null,
      savedBytes: 0,
    });
  });

  it('counts the pages that were sent again, and none that would be as small without a version', () => {
    const again = {
      'zstd-delta': pages(30, 3000),
      zstd: pages(10, 10_000),
      zero: pages(500, 0),
      fill: pages(500, 4000),
    };
    expect(report({ zstd: pages(100, 100_000) }, again)?.hitRate).toBe(0.75);
  });

  it('takes a page that was sent as a delta for the mean of those that were not', () => {
    const first = { zstd: pages(100, 90_000), raw: pages(10, 20_000), zero: pages(100, 0) };
    const again = { 'lz4-delta': pages(20, 1000), xbzrle: pages(10, 500) };
    expect(report(first, again)?.savedBytes).toBe(30 * 1000 - 1500);
  });

  it('never claims that deltas were larger than whole pages', () => {
    const first = { zstd: pages(100, 10_000) };
    expect(report(first, { xbzrle: pages(10, 5000) })?.savedBytes).toBe(0);
  });
});
