import { randomFillSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EncodingFigures } from '../../src/image/inspect-image.js';
import { binding } from '../../src/native/binding.js';
import type { Explanation } from '../../src/policy/effort/explain.js';
import { writeImage } from '../support/image-file.js';
import { temporaryFolder } from '../support/traces.js';
import { pageferry, startDestination } from './pageferry.js';

const PAGE_BYTES = 4096;
const WORDS = PAGE_BYTES / 8;

const random = () => randomFillSync(Buffer.alloc(PAGE_BYTES));
const fill = (byte: number) => Buffer.alloc(PAGE_BYTES, byte);

/** Mostly zero words. */
function sparse(): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  random().copy(page, 0, 0, 160);
  return page;
}

/** Words that differ in their low bits alone. */
function similar(): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  for (let word = 0; word < WORDS; word += 1) {
    page.writeBigUInt64LE(0x7f12_3456_7800_0000n + BigInt(8 * word), 8 * word);
  }
  return page;
}

/** Pages by their number, at each snapshot. */
function imageOf(
  pages: number,
  ...snapshots: readonly ReadonlyMap<number, Buffer | null>[]
): string {
  const path = join(temporaryFolder(), 'an.image');
  const entries = snapshots.map((one) => [...one].map(([page, content]) => ({ page, content })));
  writeImage(path, pages, entries);
  return path;
}

async function inspected(file: string, ...args: string[]) {
  const { code, stdout, stderr } = await pageferry('inspect', file, '--json', ...args);
  expect(stderr).not.toMatch(/^pageferry:/m);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

function of(figures: readonly EncodingFigures[], encoding: string, blockPages: number, level = 1) {
  return figures.find(
    (one) => one.encoding === encoding && one.blockPages === blockPages && one.level === level,
  );
}

describe.concurrent('pageferry inspect', () => {
  it('counts the pages of an image by what they hold', async () => {
    const image = imageOf(
      8,
      new Map([
        [0, random()],
        [1, fill(7)],
        [2, sparse()],
        [3, similar()],
        [4, null],
        [5, random()],
        [6, Buffer.alloc(PAGE_BYTES)],
      ]),
    );
    const contents = { zero: 3, fill: 1, sparse: 1, similar: 1, other: 2 };
    const summary = await inspected(image);
    expect(summary).toMatchObject({ version: 1, kind: 'image', file: image, pages: 8, contents });
    expect(summary).toMatchObject({ snapshots: 1, changes: [] });
    const { code, stdout } = await pageferry('inspect', image);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^32 KiB of memory, 1 snapshot\n/);
    expect(stdout).toMatch(/^one word that repeats +1 pages +12\.5 % {2}███$/m);
    expect(stdout).toMatch(/^Tried on 4 pages of the first snapshot:$/m);
    // Each in the table by the letter that it has in the plot.
    const marks = [...stdout.matchAll(/^([a-z]) {2}\S+ +\d+ +[01]\.\d{3} /gm)].map(
      ([, mark]) => mark,
    );
    expect(marks.join('')).toBe('abcdefghijk');
    const plotted = [...stdout.matchAll(/^.{5}[│┤](.*)$/gm)].map(([, cells]) => cells).join('');
    expect([...plotted.replaceAll(' ', '')].sort()).toEqual(marks);
  });

  it('says what each encoding makes of its blocks, byte by byte', async () => {
    const same = random();
    const pages = Array.from({ length: 20 }, (_, page) => {
      const content = Buffer.from(same);
      content.writeUInt32LE(page, 0);
      return content;
    });
    const { encodings } = await inspected(imageOf(20, new Map(pages.entries())));
    // Page by page nothing repeats, and they would be sent as they are.
    expect(of(encodings, 'lz4', 1)).toMatchObject({
      pages: 20,
      pagesRaw: 20,
      bytesIn: 20 * PAGE_BYTES,
      bytesOut: 20 * PAGE_BYTES,
      decodeNsPerPage: null,
    });
    for (const [encoding, blockPages, level] of [
      ['lz4', 16, 1],
      ['zstd', 16, 1],
      ['zstd', 64, 9],
    ] as const) {
      const block = (from: number) => Buffer.concat(pages.slice(from, from + blockPages));
      const blocks = Array.from({ length: Math.ceil(20 / blockPages) }, (_, i) =>
        binding.encodeBlock(encoding, level, block(i * blockPages), null),
      );
      const bytesOut = blocks.reduce((sum, one) => sum + (one?.length ?? Number.NaN), 0);
      expect(of(encodings, encoding, blockPages, level)).toMatchObject({ bytesOut, pagesRaw: 0 });
    }
  });

  it('tries the deltas on what later snapshots change, and on nothing else', async () => {
    const before = random();
    const after = Buffer.from(before);
    after.writeUInt32LE(1, 2000);
    const first = new Map([0, 1, 2].map((page) => [page, before]));
    const later = new Map<number, Buffer | null>([
      [0, after],
      [1, null],
      [3, after],
    ]);
    const { changes } = await inspected(imageOf(4, first, later));
    expect(changes.map(({ pages }: EncodingFigures) => pages)).toEqual([1, 1, 1, 1, 1]);
    expect(of(changes, 'zstd', 16)).toMatchObject({ bytesOut: PAGE_BYTES, pagesRaw: 1 });
    for (const encoding of ['zstd-delta', 'lz4-delta', 'xbzrle']) {
      const bytesOut = binding.encodeBlock(encoding, 1, after, before)?.length;
      expect(bytesOut).toBeLessThan(100);
      expect(of(changes, encoding, 16)).toMatchObject({ bytesOut });
    }
  });

  it('says of one page its class and what it takes by itself', async () => {
    const page = similar();
    const image = imageOf(2, new Map([[1, page]]));
    const { content, encodings } = await inspected(image, '--page', '1');
    expect(content).toBe('similar');
    for (const { encoding, level, bytes } of encodings) {
      const encoded = binding.encodeBlock(encoding, level, page, null);
      expect([encoding, level, bytes]).toEqual([encoding, level, encoded?.length ?? null]);
    }
    const { code, stdout } = await pageferry('inspect', image, '--page', '0');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Page 0, at the first snapshot: zero\n/);
  });

  it('says of one page what each compression makes of it, and why', async () => {
    const same = random();
    // Of a page by itself nothing repeats, and in a block all but its number does.
    const pages = Array.from({ length: 20 }, (_, page) => {
      const content = Buffer.from(same);
      content.writeUInt32LE(page, 0);
      return content;
    });
    const image = imageOf(20, new Map(pages.entries()));
    const summary = await inspected(image, '--page', '17');
    const names = summary.ladder.map(({ rung }: { rung: string }) => rung);
    expect(names).toEqual(['raw', 'wkdm64', 'lz4', 'zstd:1', 'zstd:3', 'zstd:9']);
    const of = (name: string, at: string | null) =>
      summary.decisions.find(
        ({ compression, link }: Explanation) => compression === name && link === at,
      );
    // Pages 16 to 19 are what is left of the stripe.
    const block = binding.encodeBlock('zstd', 1, Buffer.concat(pages.slice(16)), null);
    expect(of('zstd', null)).toMatchObject({
      sentAs: 'zstd',
      bytes: Math.round((block?.length ?? Number.NaN) / 4),
    });
    expect(of('mecom', null)).toMatchObject({ sentAs: 'raw', bytes: PAGE_BYTES });
    expect(of('auto', 'unlimited')).toMatchObject({ rung: 'raw', sentAs: 'raw' });
    for (const link of ['100 Mbit/s', '1 Gbit/s', '10 Gbit/s']) {
      expect(names).toContain(of('auto', link)?.rung);
    }
    const { stdout } = await pageferry('inspect', image, '--page', '17');
    expect(stdout).toMatch(/^zstd +zstd +[\d,]+ bytes\n {2}It always encodes with zstd:1, /m);
    expect(stdout).toMatch(/^auto, 100 Mbit\/s .*\n {2}\S/m);
  });

  it('says of a captured migration what came as which content', async () => {
    const { address } = await startDestination();
    const file = join(temporaryFolder(), 'migration.capture');
    const guest = ['--memory', '8MiB', '--workload', 'idle', '--fill', 'text'];
    const how = ['--strategy', 'stop-and-copy', '--compression', 'raw', '--observe', '0ms'];
    const { code } = await pageferry('source', '--to', address, '--tee', file, ...guest, ...how);
    expect(code).toBe(0);
    const summary = await inspected(file);
    expect(summary).toMatchObject({ version: 1, kind: 'stream', strategy: 'stop-and-copy' });
    expect(summary.pages).toMatchObject({ raw: 2048 });
    const { stdout } = await pageferry('inspect', file);
    expect(stdout).toMatch(/^raw +2,048 +8 MiB +1\.000 +█{24}$/m);
    expect(await inspected(file, '--page', '1')).toMatchObject({
      kind: 'stream-page',
      guestPages: 2048,
      finalRound: 1,
      arrivalCount: 1,
      arrivals: [{ round: 1, content: 'raw', base: null }],
      cut: null,
    });
    const page = await pageferry('inspect', file, '--page', '1');
    expect(page.stdout).toMatch(
      /^Page 1 came once:\n\nround 1, the final one +page \d+ +raw +[\d,]+ bytes for/,
    );
    const beyond = await pageferry('inspect', file, '--page', '2048');
    expect(beyond.code).toBe(2);
    expect(beyond.stderr).toMatch(
      /^pageferry: USAGE: the guest in .* has pages 0 to 2047, not 2048/,
    );
    writeFileSync(file, readFileSync(file).subarray(0, 1 << 20));
    const cut = await pageferry('inspect', file);
    expect(cut.code).toBe(1);
    expect(cut.stdout).toMatch(/^Not whole: it was cut short/m);
  });

  it('refuses an image that is damaged', async () => {
    const image = imageOf(2, new Map([[1, random()]]));
    const bytes = readFileSync(image);
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    writeFileSync(image, bytes);
    const { code, stderr } = await pageferry('inspect', image);
    expect(stderr).toMatch(/^pageferry: USAGE: cannot read the image .* damaged/);
    expect(code).toBe(2);
  });

  it.for([
    [['package.json'], /is neither an image .* nor a captured migration/],
    [['/nowhere'], /cannot read \/nowhere: .*no such file/],
    [['/tmp'], /cannot read \/tmp: it is no file/],
    [['IMAGE', '--page', '2'], /has pages 0 to 1, not 2/],
    [['IMAGE', '--page', '-1'], /--page/],
    [[], /file/],
  ] as const)('refuses %j', async ([args, why]) => {
    const image = imageOf(2, new Map([[0, random()]]));
    const given = args.map((arg) => (arg === 'IMAGE' ? image : arg));
    const { code, stderr } = await pageferry('inspect', ...given);
    expect(stderr).toMatch(/^pageferry: USAGE: /);
    expect(stderr).toMatch(why);
    expect(code).toBe(2);
  });
});
