import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { summarize } from '#bench/lib/statistics.js';
import { type Result, resultSchema } from '#bench/result/schema.js';
import { ends, Pageferry } from '../cli/pageferry.js';
import { atEnd } from '../support/at-end.js';
import { until } from '../support/until.js';
import {
  bench,
  descendants,
  newFolder,
  readResult,
  samplesOf,
  small,
  writeJson,
} from './bench-command.js';

const ONCE = ['--repetitions', '1'];

/** As if each had been measured five times, `factor` times as slow. */
function fiveTimes(result: Result, factor: number): Result {
  const rows = result.rows.map((row) => {
    if (row.status !== 'measured') return row;
    const figure = factor * row.measured.median;
    return { ...row, measured: summarize([figure, figure, figure, figure, figure]) };
  });
  return { ...result, rows };
}

/** A run of two scenarios, ended by `interrupt` after the first sample of the first. */
async function interrupted(interrupt: (run: Pageferry) => void) {
  const folder = newFolder();
  const scenarios = writeJson(folder, 'two.json', [small({ name: 'a' }), small({ name: 'b' })]);
  const file = join(folder, 'result.json');
  const run = new Pageferry(['bench', scenarios, '--repetitions', '2', '--json', file]);
  await run.says(/a: 1 of 2/);
  // The bench, and a source or a destination.
  await until('a migration is under way', () => descendants(run.pid).length > 1);
  const processes = descendants(run.pid);
  interrupt(run);
  return { ended: await run.ended, file, scenarios, processes };
}

describe('pageferry bench', () => {
  it('prints a result, writes it with its table and its report, and compares two row by row', async () => {
    const folder = newFolder();
    const file = writeJson(folder, 'mine.json', [small()]);
    const out = join(folder, 'out');
    const { code, stdout } = await bench(file, ...ONCE, '--out', out, '--json', '-');
    expect(code).toBe(0);
    const result = v.parse(resultSchema, JSON.parse(stdout));
    expect(result).toMatchObject({ suite: file, finishedAt: expect.any(String) });
    expect(samplesOf(result, 'small')).toHaveLength(1);
    const written = readdirSync(out).map((name) => name.replace(/^mine-[\dT-]+/, ''));
    expect(written.sort()).toEqual(['.html', '.json', '.md']);

    // Twice as slow, and no rows for what the other one sent.
    const before = writeJson(folder, 'before.json', fiveTimes(result, 1));
    const slower = fiveTimes(result, 2);
    const rows = slower.rows.filter(({ key }) => key !== 'small-wire');
    const after = writeJson(folder, 'after.json', { ...slower, rows });
    const comparison = JSON.parse((await bench('compare', before, after, '--json')).stdout);
    expect(comparison.rows).toMatchObject([
      { key: 'small-total', ratio: 2, verdict: 'worse' },
      { key: 'small-downtime', ratio: 2, verdict: 'worse' },
      {
        key: 'small-gap',
        verdict: 'incomparable',
        reason: expect.stringContaining('no two marks'),
      },
      {
        key: 'small-lost',
        verdict: 'incomparable',
        reason: expect.stringContaining('did nothing before'),
      },
    ]);
    expect(comparison.onlyInA).toEqual(['small: small-wire']);
    const table = await bench('compare', before, after);
    expect(table.stdout).toMatch(
      /\| small: downtime \|.*\| 2\.00 \[2\.00 … 2\.00\] \| \*\*worse\*\* \|/,
    );
    expect(table.stdout).toContain('chance alone would give about 0.100');
    // From after to before it is as much again.
    const twofold = await bench('compare', after, before, '--effect', '100%', '--json');
    expect(JSON.parse(twofold.stdout).rows).toMatchObject([
      { verdict: 'better' },
      { verdict: 'better' },
      {},
      { verdict: 'incomparable' },
    ]);
    expect(table.code).toBe(0);
  });

  it('skips a guest that memory does not suffice for, and warms none for it', async () => {
    const folder = newFolder();
    const scenarios = writeJson(folder, 'vast.json', [small({ memory: '1024TiB' })]);
    const { code, stdout } = await bench(scenarios, '--out', folder, '--json', '-');
    const { rows, environment } = v.parse(resultSchema, JSON.parse(stdout));
    expect(rows[0]).toMatchObject({
      status: 'skipped',
      reason: expect.stringMatching(/^needs \d+\.\d GiB of free memory, /),
    });
    expect(environment.warmedBytes).toBe(0);
    expect(code).toBe(0);
  });

  it('compares a sample of every guest’s pages, and all of them in the last repetition', async () => {
    const folder = newFolder();
    const file = writeJson(folder, 'mine.json', [small()]);
    const result = join(folder, 'result.json');
    const { code, stdout } = await bench(file, '--repetitions', '3', '--json', result);
    expect(code).toBe(0);
    const { compared } = readResult(result);
    const pages = 4096;
    expect(compared).toEqual([
      { scenario: 'small', repetition: 0, pages, pagesCompared: 1024 },
      { scenario: 'small', repetition: 1, pages, pagesCompared: 1024 },
      { scenario: 'small', repetition: 2, pages, pagesCompared: 4096 },
    ]);
    const verified = 'every page in 1 of 3, 1,024 of 4,096 pages in the others';
    expect(stdout).toContain(`| ${verified} |`);
    expect(readFileSync(join(folder, 'result.html'), 'utf8')).toContain(verified);
  });

  it('keeps what was done when it is interrupted, and resumes with what is missing', async () => {
    const { ended, file, scenarios, processes } = await interrupted((run) => run.signal('SIGINT'));
    expect(ended.stderr).toContain(`bench --resume ${file} goes on`);
    expect(ended.code).toBe(130);
    for (const pid of processes) expect(await ends(pid)).toBe(true);
    const before = readResult(file);
    const [first] = samplesOf(before, 'a');
    expect(samplesOf(before, 'a')).toHaveLength(1);
    expect(before.finishedAt).toBeNull();

    for (const [args, says] of [
      [['--repetitions', '3'], 'repetitions was 2 and is 3'],
      [['--only', 'a'], 'only was null and is ["a"]'],
      [['--rtt', '1ms'], 'link was {"kind":"loopback"} and is {"kind":"relay","rttMs":1}'],
    ] as const) {
      const refused = await bench(scenarios, ...args, '--resume', file);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(says) });
    }

    const content = readFileSync(scenarios);
    writeFileSync(scenarios, JSON.stringify([small({ name: 'a', memory: '32MiB' })]));
    const changed = await bench('--resume', file);
    expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining('digest was') });
    writeFileSync(scenarios, content);

    // What is to be done is in the file.
    const { code, stderr } = await bench('--resume', file);
    expect(code).toBe(0);
    expect(stderr).not.toContain('a: 1 of 2');
    expect(stderr).toContain('a: 2 of 2');
    const after = readResult(file);
    expect(after.finishedAt).toEqual(expect.any(String));
    expect(samplesOf(after, 'a')).toEqual([first, expect.any(Number)]);
    expect(samplesOf(after, 'b')).toHaveLength(2);
    expect(after.stolen.map(({ scenario, repetition }) => [scenario, repetition])).toEqual([
      ['a', 0],
      ['a', 1],
      ['b', 0],
      ['b', 1],
    ]);
    expect(after.compared.map(({ pagesCompared }) => pagesCompared)).toEqual([
      1024, 4096, 1024, 4096,
    ]);
    for (const { share } of after.stolen) expect(share).toBeGreaterThanOrEqual(0);
  });

  it('leaves no process behind when a terminal interrupts all of them at once', async () => {
    const { ended, processes } = await interrupted((run) => {
      for (const pid of [run.pid, ...descendants(run.pid)]) process.kill(pid, 'SIGINT');
    });
    expect(ended.code).toBe(130);
    for (const pid of processes) expect(await ends(pid)).toBe(true);
  });

  it('leaves no process behind when it is killed', async () => {
    const { processes } = await interrupted((run) => {
      const [program = 0] = descendants(run.pid);
      for (const pid of [run.pid, program]) process.kill(pid, 'SIGKILL');
    });
    for (const pid of processes) expect(await ends(pid)).toBe(true);
  });

  it('says in the table and in the result why a row was skipped', async () => {
    const folder = newFolder();
    const file = writeJson(folder, 'far.json', [small({ netns: '1Gbit' })]);
    const result = join(folder, 'result.json');
    // Without ip and tc, whoever runs this.
    const run = new Pageferry(['bench', file, ...ONCE, '--json', result], { PATH: folder });
    const { code, stdout, stderr } = await run.ended;
    const why = /network namespaces \(--netns\) need (?:root|ip and tc: apt-get install iproute2)/;
    expect(stderr).toMatch(why);
    expect(stdout).toMatch(why);
    for (const row of readResult(result).rows) {
      expect(row).toMatchObject({ status: 'skipped', reason: expect.stringMatching(why) });
    }
    expect(code).toBe(0);
  });

  it('runs the chosen cases of a file, by a strategy of its own, and says before how many there are', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'page.bin'), 'content'.repeat(1000));
    writeFileSync(
      join(folder, 'own.mjs'),
      "export const strategy = { name: 'two-rounds', mayServeFaults: true, next: (rounds) => (rounds.length < 2 ? 'next-round' : 'post-copy') };",
    );
    const guest = { writesPerSecond: 2000, writeBytes: 16, seed: 5, fill: 'file:page.bin' };
    const limits = { downtimeBudget: '20ms', maxRounds: 3, ifNotConverging: 'post-copy' };
    const file = writeJson(folder, 'cases.json', [
      small({ ...guest, ...limits, strategy: ['./own.mjs', 'pre-copy'], threads: [1, 2] }),
    ]);
    const result = join(folder, 'result.json');
    const only = ['--only', 'small-*-threads-2'];
    const { code, stderr } = await bench(file, ...ONCE, ...only, '--json', result);
    expect(stderr).toMatch(/^bench: 2 scenarios, 4 samples, about \d+ s\n/);
    expect(code).toBe(0);
    const [own, preCopy] = readResult(result).migrations;
    expect(own).toMatchObject({
      scenario: 'small-own-threads-2',
      parameters: { strategy: 'two-rounds' },
      report: { strategy: 'two-rounds', rounds: [{}, {}] },
      told: {
        guest: {
          options: {
            threads: 2,
            seed: 5,
            writeBytes: 16,
            writesPerSecond: 2000,
            fill: { kind: 'file', path: join(folder, 'page.bin') },
          },
        },
      },
    });
    expect(preCopy).toMatchObject({
      scenario: 'small-pre-copy-threads-2',
      told: { source: { downtimeBudgetMs: 20, maxRounds: 3, otherwise: 'post-copy' } },
    });
  });

  it('says what went wrong in the rows of a scenario that failed, and fails', async () => {
    const folder = newFolder();
    const file = writeJson(folder, 'bad.json', [small({ fill: 'file:missing.bin' })]);
    const { code, stdout } = await bench(file, ...ONCE, '--out', folder);
    expect(stdout).toMatch(/\| small: downtime \| failed: .*missing\.bin/);
    expect(code).toBe(1);
  });

  it('gives up on a device that is full, in one line, and does not replace it', async () => {
    const file = writeJson(newFolder(), 'mine.json', [small()]);
    const { code, stderr } = await bench(file, ...ONCE, '--json', '/dev/full');
    expect(stderr).toContain('bench: cannot write /dev/full: the disk is full\n');
    expect(stderr).not.toContain('    at ');
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
    expect(existsSync('/dev/full.md')).toBe(false);
    expect(code).toBe(1);
  });

  it('keeps the last result that fitted when the disk is full', async ({ skip }) => {
    const folder = newFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'pageferry-test', folder]);
    } catch (error) {
      skip(`a small file system cannot be mounted here: ${error}`);
    }
    atEnd(() => {
      execFileSync('umount', [folder]);
    });
    const scenarios = Array.from({ length: 9 }, (_, i) => small({ name: `m${i}` }));
    const file = writeJson(newFolder(), 'mine.json', scenarios);
    const result = join(folder, 'result.json');
    const { code, stderr } = await bench(file, ...ONCE, '--json', result);
    expect(stderr).toMatch(/bench: cannot write .*result\.json: the disk is full\. What was/);
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
    expect(readdirSync(folder)).toEqual(['result.json']);
    expect(readResult(result).finishedAt).toBeNull();
  });
});
