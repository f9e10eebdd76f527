import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageAt, imagesIn } from '#bench/codecs/images.js';
import { ALL_LINKS, openableLinks, parseLinks } from '#bench/codecs/links.js';
import { rowKey, scenarioName } from '#bench/codecs/names.js';
import { ALL_POLICIES, parsePolicies } from '#bench/codecs/policies.js';
import { makeQuickImages } from '#bench/codecs/quick-images.js';
import { inDrawnOrder } from '#bench/lib/drawn-order.js';
import { overviewsOf, overviewText } from '#bench/report/codec-overview.js';
import { matricesOf } from '#bench/report/matrix.js';
import { policies } from '#bench/report/plots/policies.js';
import type { MeasuredRow, Result } from '#bench/result/schema.js';
import { readImage, writeImage } from '../support/image-file.js';
import { rejection } from '../support/until.js';
import { bench, descendants, newFolder, readResult } from './bench-command.js';

const PAGE_BYTES = 4096;

/** One that repeats a page of random bytes, but for a number: nothing within a page repeats, and all of the page before does. */
function repeatingImage(folder: string, pages: number): string {
  const path = join(folder, 'repeating.image');
  const same = randomFillSync(Buffer.alloc(PAGE_BYTES));
  const content = (number: number) => {
    const page = Buffer.from(same);
    page.writeUInt32LE(number, 100);
    return page;
  };
  const first = Array.from({ length: pages }, (_, page) => ({ page, content: content(page) }));
  writeImage(path, pages, [first, [{ page: 1, content: content(pages) }]]);
  return path;
}

function medianOf(result: Result, key: string): number {
  const row = result.rows.find((one) => one.key === key);
  if (row?.status !== 'measured') throw new Error(`no figure of ${key}`);
  return row.measured.median;
}

function ratioRow(link: string, image: string, policy: string, median: number): MeasuredRow {
  const title = `${policy}, ${image}, ${link}: time ÷ that of raw`;
  return {
    scenario: scenarioName(link, image),
    key: rowKey(policy, 'time-of-raw'),
    ...{ title, unit: '×', better: 'lower', target: null, met: null, status: 'measured' },
    measured: { median, min: median, max: median, samples: [median] },
    ...{ baseline: null, ratio: null, details: [] },
  };
}

describe('bench codecs', () => {
  it('migrates a guest of each image by each policy, and sets them beside each other', async () => {
    const folder = newFolder();
    const pages = 512;
    repeatingImage(folder, pages);
    const file = join(folder, 'result.json');
    const { code, stdout } = await bench(
      ...['codecs', '--images', folder, '--policies', 'raw,lz4-page,lz4', '--links', 'unlimited'],
      ...['--repeat', '2', '--json', file],
    );
    expect(code).toBe(0);
    const result = readResult(file);
    expect(result).toMatchObject({ suite: 'codecs', repetitions: 2 });
    expect(result.migrations).toHaveLength(6);
    expect(result.compared).toHaveLength(6);
    const all = result.compared.filter(({ pagesCompared }) => pagesCompared === pages);
    expect(all).toHaveLength(6);
    // Blocks reach back to the page before, and single pages do not.
    const [raw, single, blocks] = ['raw', 'lz4-page', 'lz4'].map((policy) =>
      medianOf(result, rowKey(policy, 'sent')),
    );
    expect(single).toBeGreaterThan((pages * PAGE_BYTES) / 1e6);
    expect(raw).toBeGreaterThan((pages * PAGE_BYTES) / 1e6);
    expect(blocks).toBeLessThan((pages * PAGE_BYTES) / 4e6);
    expect(medianOf(result, rowKey('lz4-page', 'bytes-of-page-lz4'))).toBe(1);
    expect(medianOf(result, rowKey('raw', 'time-of-raw'))).toBe(1);
    const best = ['raw', 'lz4'].map((policy) => medianOf(result, rowKey(policy, 'time-of-best')));
    expect(Math.min(...best)).toBeGreaterThanOrEqual(1);
    expect(readFileSync(join(folder, 'result.html'), 'utf8')).toMatch(
      /mean of the images, \(worst\).*Total migration time by policy/s,
    );
    expect(stdout).toContain('| total migration time, ms | raw | lz4-page | lz4 |');
    expect(stdout).toContain('time ÷ that of the best fixed policy: mean of the images, (worst)');
  });

  it.each([
    [[], /give either --images DIR, .* or --quick/],
    [['--images', '.', '--quick'], /give either --images DIR, .* or --quick/],
    [['--images', '/nowhere'], /cannot read the images of \/nowhere/],
    [['--images', 'docs'], /docs holds no file \*\.image/],
    [['--quick', '--policies', 'raw,zip'], /no policy is called 'zip'; there are raw, lz4-page,/],
    [['--quick', '--links', '1gbit,isdn'], /no link is called 'isdn'; there are 100mbit, 1gbit,/],
    [['--quick', '--repeat', '0'], /--repeat/],
  ])('refuses %j', async (args, why) => {
    const { code, stderr } = await bench('codecs', ...args);
    expect(stderr).toMatch(/^pageferry: USAGE: /);
    expect(stderr).toMatch(why);
    expect(code).toBe(2);
  });
});

describe('the images', () => {
  it('of --quick are of two processes that changed, and neither is left', async () => {
    const folder = newFolder();
    const missing: string[] = [];
    const before = descendants(process.pid);
    const { signal } = new AbortController();
    const images = await makeQuickImages(folder, signal, (program) => missing.push(program));
    expect(images.length + missing.length).toBe(2);
    for (const { path, memoryBytes, changes } of images) {
      expect(changes).toBe(true);
      const { pages, snapshots } = readImage(path);
      expect(memoryBytes).toBeGreaterThanOrEqual(pages * PAGE_BYTES);
      expect(snapshots.slice(1).every((snapshot) => snapshot.pages.size > 0)).toBe(true);
    }
    expect(descendants(process.pid).filter((pid) => !before.includes(pid))).toEqual([]);
  });

  it('of --quick leave no process behind when they are aborted', async () => {
    const before = descendants(process.pid);
    const controller = new AbortController();
    const making = makeQuickImages(newFolder(), controller.signal, () => {});
    controller.abort(new Error('that is enough'));
    expect(await rejection(making)).toMatchObject({ message: 'that is enough' });
    expect(descendants(process.pid).filter((pid) => !before.includes(pid))).toEqual([]);
  });

  it('of a folder come in the order of their names, and one that never changes is known as such', async () => {
    const folder = newFolder();
    const first = [{ page: 0, content: Buffer.alloc(PAGE_BYTES, 1) }];
    const later = [{ page: 0, content: Buffer.alloc(PAGE_BYTES, 2) }];
    writeImage(join(folder, 'b.image'), 1, [first]);
    writeImage(join(folder, 'a.image'), 1, [first, later]);
    const images = await imagesIn(folder);
    expect(images.map(({ name, changes }) => [name, changes])).toEqual([
      ['a', true],
      ['b', false],
    ]);
    expect(await rejection(imageAt('/dev/null', 'null'))).toMatchObject({
      message: expect.stringContaining('cannot use the image /dev/null'),
    });
  });
});

describe('what is compared', () => {
  it('takes names of policies once each, with a level of zstd', () => {
    const names = parsePolicies('auto, zstd:7,auto').map(({ name }) => name);
    expect(names).toEqual(['auto', 'zstd:7']);
    expect(() => parsePolicies('zstd:0')).toThrow(/no policy is called 'zstd:0'/);
    expect(ALL_POLICIES.map(({ name }) => name)).toContain('lz4-page');
  });

  it('says of each link how it comes about', () => {
    const links = openableLinks(parseLinks('unlimited,10gbit'));
    expect(links.map(({ title }) => title)).toEqual(['10 Gbit/s (rate limit)', 'loopback']);
    for (const { name, rate, bandwidth, wanted } of openableLinks(ALL_LINKS)) {
      const shaped = wanted.kind === 'netns' ? wanted.rateBytesPerSecond : bandwidth || null;
      expect(shaped, name).toBe(rate);
    }
  });

  it('draws an order that has everything in it, another one in another repetition', () => {
    const items = Array.from({ length: 10 }, (_, item) => item);
    const orders = [0, 1].map((repetition) => inDrawnOrder(items, 'name', repetition));
    for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual(items);
    expect(orders[0]).not.toEqual(orders[1]);
    expect(inDrawnOrder(items, 'name', 0)).toEqual(orders[0]);
  });

  it('comes to a mean over the images and the worst of them, for each link', () => {
    const rows = [
      ratioRow('1gbit', 'a', 'auto', 0.5),
      ratioRow('1gbit', 'b', 'auto', 0.7),
      ratioRow('1gbit', 'a', 'raw', 1),
      ratioRow('1gbit', 'b', 'raw', 1),
      ratioRow('unlimited', 'a-b', 'auto', 2),
    ];
    const [overview, ...others] = overviewsOf({ suite: 'codecs', rows });
    expect(others).toEqual([]);
    expect(overview).toMatchObject({ title: 'time ÷ that of raw', policies: ['auto', 'raw'] });
    const texts = overview?.links.map(({ link, cells }) => [
      link,
      ...['auto', 'raw'].map((policy) => overviewText(cells.get(policy))),
    ]);
    expect(texts).toEqual([
      ['1gbit', '0.600 (0.700)', '1.00 (1.00)'],
      ['unlimited', '2.00', '–'],
    ]);
    expect(overviewsOf({ suite: 'quick', rows })).toEqual([]);
  });

  it('is a plot for each link, in which the best fixed policy is the fastest that a user may choose', () => {
    const total = (policy: string, image: string, link: string, median: number) => ({
      ...ratioRow(link, image, policy, median),
      key: rowKey(policy, 'total'),
      title: `${policy}, ${image}, ${link}: total migration time`,
      unit: 'ms',
    });
    const rows = [
      total('raw', 'a', '1 Gbit/s (switch, tc)', 400),
      total('lz4-page', 'a', '1 Gbit/s (switch, tc)', 100),
      total('zstd:3', 'a', '1 Gbit/s (switch, tc)', 200),
      total('lz4', 'a', '1 Gbit/s (switch, tc)', 300),
      total('auto', 'a', '1 Gbit/s (switch, tc)', 150),
      total('qemu-multifd-zstd', 'a', '1 Gbit/s (switch, tc)', 120),
      total('qemu-xbzrle', 'a', '1 Gbit/s (switch, tc)', 90),
      total('raw', 'a', 'loopback', 50),
    ];
    const section = policies({ suite: 'codecs', rows } as unknown as Result);
    expect(section?.panels.map(({ title }) => title)).toEqual([
      '1 Gbit/s (switch, tc)',
      'loopback',
    ]);
    const [first, second] = section?.panels.map(({ plots }) => plots[0]?.text) ?? [];
    expect(first).toContain('a: raw 400; a: zero + LZ4 a page 100; a: zstd:3 200; a: auto 150');
    // Nothing that a user of the engine may choose, however fast it is.
    expect(first).toContain('a: QEMU, multifd zstd 120; a: QEMU, xbzrle 90.0');
    expect(second).toContain('in ms. a: raw 50.0; a: raw 50.0');
    // A legend of what is drawn.
    const labels = (of: typeof rows) =>
      policies({ suite: 'codecs', rows: of } as unknown as Result)?.legend?.map(
        ({ label }) => label,
      );
    expect(labels(rows)).toContain('QEMU, xbzrle');
    expect(labels(rows.slice(-1))).toEqual(['best fixed policy', 'raw']);
    expect(policies({ suite: 'quick', rows } as unknown as Result)).toBeNull();
  });

  it('is a table of images by policies, in the order of the policies', () => {
    const rows = ['raw', 'lz4', 'auto'].map((policy) => ratioRow('1gbit', 'a', policy, 1));
    expect(matricesOf(rows)).toMatchObject({
      matrices: [
        {
          figure: 'time ÷ that of raw',
          columns: ['raw', 'lz4', 'auto'],
          cases: [{ title: 'a, 1gbit' }],
        },
      ],
      others: [],
    });
  });
});
