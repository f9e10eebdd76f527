import { describe, expect, it } from 'vitest';
import { bench, newFolder, small, writeJson } from './bench-command.js';

const WRONG: readonly (readonly [what: string, args: string[], says: RegExp])[] = [
  ['a suite that does not exist', ['quik'], /no suite is called 'quik'; there are quick, /],
  ['an unknown flag', ['--repetition', '3'], /unknown option '--repetition'/],
  ['no repetitions', ['--repetitions', '0'], /a whole number from 1 to 100, not '0'/],
  ['a scenario that does not exist', ['--only', 'x'], /no scenario of quick is called 'x'; there/],
  ['a time without a unit', ['--rtt', '10'], /expected a duration such as 50ms.*, not '10'/],
  ['a rate that is none', ['--netns', 'fast'], /expected a rate such as 1Gbit.*, not 'fast'/],
  ['two links', ['--netns', '--rtt', '1ms'], /'--netns \[rate\]' cannot be used with .*'--rtt/],
  ['a link for what crosses none', ['mechanisms', '--rtt', '1ms'], /mechanisms crosses a link/],
  ['--full where there is no more', ['quick', '--full'], /quick has no more with --full/],
  ['two suites', ['quick', 'scale'], /too many arguments/],
  ['a scenario file that does not exist', ['missing.json'], /missing\.json: .*no such file/],
  ['a run to resume that does not exist', ['--resume', 'missing.json'], /missing\.json: .*no such/],
  ['nothing to resume', ['--resume', '--out', 'nowhere'], /no run in nowhere is unfinished/],
  ['one result to compare', ['compare', 'a.json'], /missing required argument 'b'/],
  [
    'an effect that is no share',
    ['compare', 'a.json', 'b.json', '--effect', '5'],
    /a share such as 5%, 100% at most, not '5'/,
  ],
  [
    'a result that is none',
    ['report', 'package.json'],
    /package\.json is not a result of the bench: field 'version': expected 2/,
  ],
];

describe('pageferry bench, told something wrong', () => {
  it.each(WRONG)('refuses %s in one line and measures nothing', async (_, args, says) => {
    const { code, stdout, stderr } = await bench(...args);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^pageferry: USAGE: .*See pageferry bench --help\n$/);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('refuses a scenario file that does not validate, and names the field', async () => {
    const file = writeJson(newFolder(), 'wrong.json', [small({ memory: '1000' })]);
    const { code, stderr } = await bench(file);
    expect(stderr).toMatch(
      /^pageferry: USAGE: .*wrong\.json: field '0\.memory': expected a multiple .*\n$/,
    );
    expect(code).toBe(2);
  });

  it('lists the cases of a scenario file', async () => {
    const file = writeJson(newFolder(), 'two.json', [small({ channels: [1, 2] })]);
    const { code, stdout } = await bench('list', file);
    expect(stdout).toMatch(/^two: .*\n {2}small-channels-1\n {2}small-channels-2\n$/);
    expect(code).toBe(0);
  });

  it('lists the suites and their scenarios, and explains itself within 80 columns', async () => {
    const list = await bench('list');
    expect(list.stdout).toMatch(/^quick: .*\n {2}round-0\n/);
    expect(list.stdout).toMatch(/^redis: .*\n {2}redis-stop-and-copy\n/m);
    expect(list.stdout).toMatch(/^postgres: .*\n {2}postgres-stop-and-copy\n/m);
    const help = await bench('--help');
    expect(help.stdout).toContain('Exit codes:');
    expect(help.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect([list.code, help.code]).toEqual([0, 0]);
  });
});
