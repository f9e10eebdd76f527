import { describe, expect, it } from 'vitest';
import type { PageContent } from '../../../src/native/inspection.js';
import {
  EXPLAINED_LINKS,
  type Explanation,
  explainPage,
} from '../../../src/policy/effort/explain.js';
import { LADDER, ladderWith } from '../../../src/policy/effort/ladder.js';
import { COMPRESSIONS } from '../../../src/vocabulary.js';

/** Blocks that come to a quarter, but for those by the rungs that are named. */
function explained(
  content: PageContent,
  encoders: number,
  ladder = LADDER,
  unshrunk: readonly string[] = [],
): (compression: string, link?: string) => Explanation | undefined {
  const rungs = ['wkdm64', 'lz4', 'zstd:1', 'zstd:3', 'zstd:9', 'mecom'];
  const blocks = new Map(
    rungs.map((rung) => {
      const pages = rung === 'mecom' ? 1 : 16;
      return [rung, { pages, bytes: unshrunk.includes(rung) ? null : pages * 1024 }] as const;
    }),
  );
  const all = explainPage({ content, blocks }, { encoders, ladder });
  return (compression, link) =>
    all.find((one) => one.compression === compression && (one.link ?? undefined) === link);
}

describe('why a page is sent as it is', () => {
  it('is said of every compression, and of auto at every link', () => {
    const all = explainPage(
      { content: 'zero', blocks: new Map() },
      { encoders: 1, ladder: LADDER },
    );
    expect(new Set(all.map(({ compression }) => compression))).toEqual(new Set(COMPRESSIONS));
    const links = all.filter(({ compression }) => compression === 'auto').map(({ link }) => link);
    expect(links).toEqual(EXPLAINED_LINKS.map(({ name }) => name));
    expect(new Set(all.map(({ sentAs, bytes }) => `${sentAs} ${bytes}`))).toEqual(
      new Set(['zero 0']),
    );
  });

  it('is the highest rung whose encoders keep up with the link, where it is auto', () => {
    const page = explained('other', 2);
    // By the ladder: 151 µs ÷ 2 of the encoders and 1086 bytes ÷ 12.5 MB/s of the link, and so on.
    expect(page('auto', '100 Mbit/s')).toMatchObject({
      rung: 'zstd:9',
      upperRung: 'zstd:9',
      pausedRung: 'zstd:1',
      sentAs: 'zstd',
      bytes: 1024,
      reason:
        'zstd:9 is the highest rung whose encoders keep up with the link: a page should take 2 encoders 75.5 µs and the link 86.9 µs.',
    });
    expect(page('auto', '1 Gbit/s')).toMatchObject({
      rung: 'zstd:1',
      upperRung: 'zstd:3',
      reason:
        'zstd:1 is the highest rung whose encoders keep up with the link: a page should take 2 encoders 5.2 µs and the link 9.8 µs, and with zstd:3 a page would take 2 encoders 10.2 µs and the link 9.2 µs.',
    });
    expect(page('auto', '10 Gbit/s')).toMatchObject({ rung: 'wkdm64', sentAs: 'wkdm64' });
  });

  it('is the page itself where no encoder keeps up, or nothing but memory is between both sides', () => {
    const slow = ladderWith([9000, 9500, 10_000, 20_000, 150_000]);
    const page = explained('other', 1, slow);
    expect(page('auto', '10 Gbit/s')).toMatchObject({
      rung: 'raw',
      upperRung: 'wkdm64',
      sentAs: 'raw',
      bytes: 4096,
      reason:
        "No rung's encoders keep up with the link: with wkdm64 a page would take the encoder 9.0 µs and the link 2.1 µs.",
    });
    expect(page('auto', 'unlimited')).toMatchObject({ rung: 'raw', upperRung: 'raw' });
    expect(page('auto', 'unlimited')?.reason).toMatch(/^Nothing but memory/);
  });

  it('is that its block does not shrink, where that is so', () => {
    const page = explained('other', 2, LADDER, ['zstd:1', 'mecom']);
    expect(page('auto', '1 Gbit/s')).toMatchObject({ rung: 'zstd:1', sentAs: 'raw', bytes: 4096 });
    expect(page('auto', '1 Gbit/s')?.reason).toMatch(
      /The block of 16 pages that it is in does not shrink below 95 % with it, so it is sent as it is\.$/,
    );
    expect(page('mecom')?.reason).toMatch(/By itself the page does not shrink/);
    expect(page('lz4')).toMatchObject({ sentAs: 'lz4', bytes: 1024 });
  });

  it.for([
    ['sparse', 'sparse'],
    ['similar', 'wkdm32'],
    ['other', 'lz4'],
  ] as const)('is the class where it is mecom: %s pages go as %s', ([content, sentAs]) => {
    expect(explained(content, 2)('mecom')).toMatchObject({
      sentAs,
      reason: `mecom chooses by a page's class, which is ${content} here.`,
    });
  });

  it('is the word that repeats, but not where pages leave memory as they are', () => {
    const page = explained('fill', 2);
    expect(page('auto', '1 Gbit/s')).toMatchObject({ sentAs: 'fill', bytes: 8 });
    expect(page('xbzrle')).toMatchObject({ sentAs: 'fill', bytes: 8 });
    expect(page('auto', 'unlimited')).toMatchObject({ sentAs: 'raw', bytes: 4096 });
    expect(page('raw')).toMatchObject({ sentAs: 'raw', bytes: 4096 });
  });
});
