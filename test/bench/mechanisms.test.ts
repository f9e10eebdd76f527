import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type NativeAnswer, runNative } from '#bench/lib/native.js';
import { CODECS } from '#bench/lib/native-answers.js';
import { isSkipped } from '#bench/lib/scenario.js';
import { A_SAMPLE } from '#bench/lib/verification.js';
import { suite } from '#bench/suites/mechanisms.js';
import { writeImage } from '../support/image-file.js';
import { temporaryFolder } from '../support/traces.js';

const MIB = 2 ** 20;
const PAGE_BYTES = 4096;
const BUILD_TIMEOUT_MS = 300_000;

const trackers = (args: readonly (string | number)[]) => runNative('tracker-bench', args);

const codecs = (content: string, more: readonly (string | number)[] = []) =>
  runNative('codec-bench', ['--content', content, '--bytes', MIB, ...more]);

type Codec = (typeof CODECS)[number];

/** It needs what the pages held before. */
function isDelta(codec: Codec): boolean {
  return /^(?:zstd-delta|lz4-delta|xbzrle)-/.test(codec);
}

function sizeOf({ codecs: all }: NativeAnswer<'codec-bench'>, codec: Codec): number {
  const figures = all[codec];
  if (figures === undefined) throw new Error(`no figures of ${codec}`);
  return figures.outPerIn;
}

/** Every number in it, whatever it is nested in. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(numbersIn);
}

function allPositive(value: unknown): boolean {
  const numbers = numbersIn(value);
  return numbers.length > 0 && numbers.every((number) => Number.isFinite(number) && number > 0);
}

function figuresOf({ trackers: all }: NativeAnswer<'tracker-bench'>, tracker: string) {
  const figures = all[tracker];
  if (figures === undefined) throw new Error(`no figures of ${tracker}`);
  return figures;
}

// The first use of each program builds it.
beforeAll(async () => {
  const noOption = ['--help', ''];
  for (const program of ['tracker-bench', 'install-bench', 'fault-bench', 'codec-bench'] as const) {
    await expect(runNative(program, noOption)).rejects.toThrow(/no option is called '--help'/);
  }
}, BUILD_TIMEOUT_MS);

describe('the tracker bench', () => {
  const bytes = 16 * MIB;
  const pages = bytes / PAGE_BYTES;

  it.for(['uffd-wp-async', 'uffd-wp-sync', 'mprotect'])(
    'harvests with %s exactly the pages that two threads wrote, when those are all',
    async (tracker, context) => {
      const args = ['--bytes', bytes, '--writes', pages, '--threads', 2, '--trackers', tracker];
      const sample = await trackers(args);
      expect(Object.keys(sample.trackers)).toEqual([tracker]);
      const figures = figuresOf(sample, tracker);
      if ('skipped' in figures) return context.skip(figures.skipped);
      const { scattered } = figures;
      if ('skipped' in scattered) return context.skip(scattered.skipped);
      expect(scattered.harvestedPages).toBe(pages);
      expect(numbersIn(sample)).toSatisfy(allPositive);
    },
  );

  it('measures no single writes where mprotect no longer opens single pages, and says why', async (context) => {
    const maxMapCount = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));
    const tooMany = Math.floor(maxMapCount / 8) + 1;
    if (tooMany * PAGE_BYTES > 256 * MIB) return context.skip('vm.max_map_count is too large');
    const args = ['--bytes', tooMany * PAGE_BYTES, '--writes', tooMany, '--trackers', 'mprotect'];
    expect(figuresOf(await trackers(args), 'mprotect')).toMatchObject({
      scattered: { skipped: expect.stringContaining(`vm.max_map_count (${maxMapCount})`) },
      armMs: expect.toSatisfy(allPositive),
    });
  });

  it.each([
    [['--trackers', 'uffd-wp-async,soft-dirty'], "no tracker is called 'soft-dirty'; there are"],
    [['--bytes', PAGE_BYTES, '--writes', 2], 'there are 1 pages, fewer than the 2 to touch'],
    [['--threads', 0], "--threads must be a whole number of at least 1, not '0'"],
    [['--bytes', 5000], '--bytes must be a multiple of 4096'],
  ])('refuses %j in a sentence', async (args, message) => {
    await expect(trackers(args)).rejects.toThrow(message);
  });
});

describe('the install bench', () => {
  it('gives a figure for every path, page by page and in runs', async (context) => {
    const bytes = 3 * MIB + PAGE_BYTES;
    // The program itself fails when a byte that it installed differs; that no path is missing is in its schema.
    const sample = await runNative('install-bench', ['--bytes', bytes]);
    if ('skipped' in sample) return context.skip(sample.skipped);
    expect(sample).toSatisfy(allPositive);
  });
});

describe('the fault bench', () => {
  it('has a time for every touch of every thread, and each crossed the network', async (context) => {
    const touches = 1001;
    const args = ['--bytes', 8 * MIB, '--touches', touches, '--threads', 2];
    const sample = await runNative('fault-bench', args);
    if ('skipped' in sample) return context.skip(sample.skipped);
    // The program itself fails when a page came any other way, or with other content.
    expect(sample.tookUs).toHaveLength(touches);
    expect(sample).toSatisfy(allPositive);
    const { p50Us, p99Us, maxUs } = sample;
    expect([p50Us, p99Us, maxUs]).toEqual([p50Us, p99Us, maxUs].sort((a, b) => a - b));
  });
});

describe('the codec bench', () => {
  it('finds that every codec of a page without a base makes zeros smaller', async () => {
    const sample = await codecs('zero');
    expect(Object.keys(sample.codecs)).toEqual([...CODECS]);
    for (const codec of CODECS.filter((name) => !isDelta(name))) {
      expect(sample.codecs[codec], codec).toMatchObject({ encodedPages: MIB / PAGE_BYTES });
      expect(sizeOf(sample, codec), codec).toBeLessThan(0.1);
    }
  });

  it('finds text to shrink more in blocks than page by page, and more at a higher level', async () => {
    const sample = await codecs('text');
    expect(sizeOf(sample, 'lz4-x16')).toBeLessThan(sizeOf(sample, 'lz4-x1'));
    expect(sizeOf(sample, 'zstd-1-x16')).toBeLessThan(sizeOf(sample, 'zstd-1-x1'));
    expect(sizeOf(sample, 'zstd-9-x64')).toBeLessThan(sizeOf(sample, 'zstd-1-x16'));
    expect(sizeOf(sample, 'lz4-x1')).toBeLessThan(0.9);
  });

  it('counts blocks of random bytes, which nothing shrinks without a base, with their full size', async () => {
    const sample = await codecs('random');
    for (const codec of CODECS.filter((name) => !isDelta(name))) {
      expect(sample.codecs[codec], codec).toMatchObject({
        decode: null,
        outPerIn: 1,
        encodedPages: 0,
      });
    }
  });

  it.each(CODECS.filter(isDelta))(
    'finds that %s sends no less than what differs from the base, and less where less does',
    async (codec) => {
      const few = sizeOf(await codecs('random', ['--changed', 8, '--codecs', codec]), codec);
      const many = sizeOf(await codecs('random', ['--changed', 256, '--codecs', codec]), codec);
      expect(few).toBeGreaterThan(8 / PAGE_BYTES);
      expect(many).toBeGreaterThan(256 / PAGE_BYTES);
      expect(few).toBeLessThan(many);
      expect(many).toBeLessThan(0.3);
    },
  );

  it('reads the pages of a running process, but for those that are zero', async () => {
    const sample = await codecs('process', ['--pid', process.pid, '--codecs', 'lz4-x16']);
    expect(Object.keys(sample.codecs)).toEqual(['lz4-x16']);
    expect(sample.bytes).toBeLessThanOrEqual(MIB);
    expect(sample.memcpyGbPerSecond).toBeGreaterThan(0);
  });

  it('reads the pages of an image that hold something, each once', async () => {
    const image = join(temporaryFolder(), 'image');
    const contents = [7, null, 8, 9, null];
    const first = contents.map((byte, page) => ({
      page,
      content: byte === null ? null : Buffer.alloc(PAGE_BYTES, byte),
    }));
    writeImage(image, contents.length, [
      first,
      [{ page: 1, content: Buffer.alloc(PAGE_BYTES, 1) }],
    ]);
    const sample = await runNative('codec-bench', ['--content', 'image', '--image', image]);
    expect(sample.bytes).toBe(3 * PAGE_BYTES);
  });

  it.each([
    [['--content', 'music'], "no content is called 'music'; there are zero"],
    [['--content', 'process', '--pid', 0], '--pid must be'],
    [['--content', 'image'], 'the content image needs --image'],
    [['--content', 'image', '--image', '/dev/null'], '--image /dev/null'],
    [['--codecs', 'lz4-x1,zip'], "no codec is called 'zip'; there are wkdm64-x16"],
    [['--changed', 12], '--changed must be a multiple of 8, at most 4096'],
  ])('refuses %j in a sentence', async (args, message) => {
    await expect(runNative('codec-bench', args)).rejects.toThrow(message);
  });
});

describe('the suite', () => {
  const names = ['trackers-64mib', 'fault-round-trip', 'codec-random'];

  it.each(names)('gives every row of %s a figure or a reason', async (name) => {
    const scenario = suite.scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    const { signal } = new AbortController();
    const link = { kind: 'loopback' } as const;
    const context = {
      ...{ repetition: 0, warmUp: false, verify: A_SAMPLE },
      ...{ signal, link, log: () => {}, onCompared: () => {} },
    };
    const sample = await scenario.sample(context);
    expect(Object.keys(sample.rows).sort()).toEqual(scenario.rows.map(({ key }) => key).sort());
    for (const { key, baseline } of scenario.rows) {
      const figure = sample.rows[key];
      if (figure === undefined) throw new Error(`no row ${key}`);
      if (isSkipped(figure)) {
        expect(figure.skipped, key).not.toBe('');
        continue;
      }
      expect(figure.measured, key).toSatisfy(allPositive);
      if (baseline !== undefined) expect(figure.baseline, key).toSatisfy(allPositive);
    }
    for (const { series } of sample.distributions ?? []) {
      for (const { buckets } of series) expect(buckets).toSatisfy(allPositive);
    }
  });

  it('names every scenario and every row once', () => {
    const scenarios = suite.scenarios.map(({ name }) => name);
    const keys = suite.scenarios.flatMap(({ rows }) => rows.map(({ key }) => key));
    expect(new Set(scenarios).size).toBe(scenarios.length);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
