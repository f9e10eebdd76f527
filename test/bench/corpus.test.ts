/** Images of real programs. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveOf } from '#bench/corpus/archive.js';
import { SeededData } from '#bench/corpus/data.js';
import { ends, Pageferry, pageferry } from '../cli/pageferry.js';
import { readImage } from '../support/image-file.js';
import { until } from '../support/until.js';
import { descendants, newFolder } from './bench-command.js';

const SMALL = ['--size', '16MiB', '--snapshots', '2', '--every', '200ms'];

function corpus(folder: string, ...args: string[]): Pageferry {
  // What it starts has its folders there, so that the test sees what is left.
  return new Pageferry(['bench', 'corpus', '-o', folder, ...SMALL, ...args], { TMPDIR: folder });
}

describe('bench corpus', () => {
  it('makes an image of a heap of Node.js, and a guest goes through it', async () => {
    const folder = newFolder();
    const { code, stdout } = await corpus(folder, '--only', 'node', '--json').ended;
    expect(code).toBe(0);
    const file = join(folder, 'node.image');
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      images: [{ name: 'node', file, image: { end: 'complete' } }],
    });
    // Neither the program's folder nor a part of an image is left.
    expect(readdirSync(folder)).toEqual(['node.image']);
    const image = readImage(file);
    expect(image.stopped).toBe(1);
    expect(image.snapshots).toHaveLength(3);
    for (const { pages } of image.snapshots) expect(pages.size).toBeGreaterThan(0);
    const text = [...(image.snapshots[0]?.pages.values() ?? [])].map((page) =>
      page.toString('latin1'),
    );
    expect(text.join('')).toMatch(/@example\.org/);
    const demo = await pageferry(
      ...['demo', '--fill', `image:${file}`, '--workload', 'snapshots', '--strategy', 'pre-copy'],
      ...['--json', '-'],
    );
    expect(demo.code).toBe(0);
    expect(JSON.parse(demo.stdout).migrations[0].guestVerified).toBe(true);
  });

  it('skips what is not installed, and says how to get it', async () => {
    const folder = newFolder();
    const command = new Pageferry(
      ['bench', 'corpus', '-o', folder, ...SMALL, '--only', 'redis,sqlite,java', '--json'],
      { PATH: newFolder() },
    );
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    const names = JSON.parse(stdout).images.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['redis', 'java', 'sqlite']);
    for (const { skipped } of JSON.parse(stdout).images) {
      expect(skipped).toMatch(/^[\w-]+ is not installed: apt-get install /);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'leaves neither a program nor a part of an image behind when it is ended by %s',
    async (signal) => {
      const folder = newFolder();
      const bench = corpus(folder, '--only', 'node', '--every', '1min');
      const begun = () => readdirSync(folder).some((name) => name.startsWith('.node.image'));
      await until('a capture is under way', begun);
      const processes = descendants(bench.pid);
      // The command, the program that runs the bench, and the program whose memory it is.
      expect(processes.length).toBeGreaterThanOrEqual(2);
      if (signal === 'SIGKILL') {
        for (const pid of processes.slice(0, 1)) process.kill(pid, signal);
      }
      bench.signal(signal);
      await bench.ended;
      for (const pid of processes) expect(await ends(pid)).toBe(true);
      if (signal === 'SIGINT') expect(readdirSync(folder)).toEqual([]);
      expect(existsSync(join(folder, 'node.image'))).toBe(false);
    },
  );

  it.each([
    [['--only', 'emacs'], /there is no program called 'emacs': expected redis, /],
    [['--size', '1KiB'], /--size.*expected 1MiB to 4GiB/],
    [['--every', '1ms'], /--every.*expected 10ms to 10min/],
    [['--snapshots', '101'], /--snapshots/],
  ])('refuses %j', async (args, why) => {
    const { code, stderr } = await pageferry('bench', 'corpus', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(why);
  });
});

describe('the data of the corpus', () => {
  it('follow from the seed alone', () => {
    const records = (seed: number) => {
      const data = new SeededData(seed);
      return Array.from({ length: 50 }, (_, id) => data.record(id));
    };
    expect(records(1)).toEqual(records(1));
    expect(records(1)).not.toEqual(records(2));
    expect(new Set(records(1).map(({ about }) => about)).size).toBe(50);
  });

  it('have numbers of every size', () => {
    const data = new SeededData(7);
    const numbers = Array.from({ length: 2000 }, () => data.below(10));
    for (let value = 0; value < 10; value += 1) {
      const share = numbers.filter((number) => number === value).length / numbers.length;
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.15);
    }
  });
});

describe('the archive for a kernel', () => {
  it('has its members one after the other, each at a multiple of 4, and an end', () => {
    const content = Buffer.from('hello');
    const archive = archiveOf([
      { path: 'dev', kind: 'folder' },
      { path: 'dev/console', kind: 'console' },
      { path: 'init', kind: 'program', content },
    ]);
    const found: { path: string; mode: number; device: number[]; content: string }[] = [];
    for (let at = 0; at < archive.length; ) {
      const text = archive.toString('latin1', at, at + 110);
      expect(text.slice(0, 6)).toBe('070701');
      const field = (index: number) =>
        Number.parseInt(text.slice(6 + 8 * index, 14 + 8 * index), 16);
      const [bytes, nameBytes] = [field(6), field(11)];
      const path = archive.toString('latin1', at + 110, at + 110 + nameBytes - 1);
      const start = at + Math.ceil((110 + nameBytes) / 4) * 4;
      const device = [field(9), field(10)];
      found.push({
        path,
        mode: field(1),
        device,
        content: archive.toString('latin1', start, start + bytes),
      });
      at = start + Math.ceil(bytes / 4) * 4;
    }
    expect(found).toEqual([
      { path: 'dev', mode: 0o040755, device: [0, 0], content: '' },
      { path: 'dev/console', mode: 0o020600, device: [5, 1], content: '' },
      { path: 'init', mode: 0o100755, device: [0, 0], content: 'hello' },
      { path: 'TRAILER!!!', mode: 0, device: [0, 0], content: '' },
    ]);
  });
});
