import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readScenarioFile } from '#bench/lib/scenario-file/read.js';
import { fieldTable } from '#bench/lib/scenario-file/schema.js';
import { newFolder, small, writeJson } from './bench-command.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const examples = join(root, 'examples', 'scenarios');
const manySeeds = Array.from({ length: 501 }, (_, i) => i);

/** The names of the scenarios in a file with these migrations. */
async function namesOf(content: unknown, full = false): Promise<string[]> {
  const { scenarios } = await readScenarioFile(writeJson(newFolder(), 'mine.json', content), full);
  return scenarios.map(({ name }) => name);
}

const INVALID: readonly (readonly [what: string, content: unknown, says: RegExp])[] = [
  ['no list', small(), /the document: expected Array, got Object/],
  ['an empty list', [], /the document: expected at least one migration/],
  ['a missing field', [{ name: 'a', memory: '16MiB' }], /field '0\.strategy': is missing/],
  ['an unknown field', [small({ colour: 'red' })], /field '0\.colour': is not known/],
  ['a name with a space', [small({ name: 'a b' })], /field '0\.name': expected a name such as/],
  ['the same name twice', [small(), small()], /field '1': expected another name.*\(small\)/],
  [
    'half a page',
    [small({ memory: 2048 })],
    /field '0\.memory': expected a multiple of 4096 bytes/,
  ],
  ['a size that is none', [small({ memory: 'big' })], /field '0\.memory': expected a size such as/],
  [
    'a working set larger than the memory',
    [small({ workingSet: '32MiB' })],
    /field '0\.workingSet': expected no more than the memory/,
  ],
  [
    'a strategy that is none',
    [small({ strategy: 'hope' })],
    /field '0\.strategy': expected .*hybrid/,
  ],
  [
    'a rate that is none',
    [small(), small({ name: 'b', bandwidth: 1 })],
    /field '1\.bandwidth': exp/,
  ],
  ['a fill that is none', [small({ fill: 'water' })], /field '0\.fill': expected/],
  [
    'two ways to say how much is written',
    [small({ writesPerSecond: 5, dirtyRatio: 0.5 })],
    /field '0\.dirtyRatio': expected either this or writesPerSecond/,
  ],
  [
    'two links',
    [small({ rtt: '1ms', netns: '1Gbit' })],
    /field '0\.netns': expected either this or/,
  ],
  ['no value at all', [small({ fill: [] })], /field '0\.fill': expected at least one value/],
  [
    'one wrong value among several',
    [small({ dirtyRatio: [0.5, 101] })],
    /field '0\.dirtyRatio\.1': expected .*100.* \(case dirty-ratio-101\)/,
  ],
  [
    'values that do not go together',
    [small(), small({ name: 'b', memory: ['16MiB', '32MiB'], workingSet: ['8MiB', '32MiB'] })],
    /field '1\.workingSet\.1': expected no more than the memory \(case memory-16mib-working-set-32mib\)/,
  ],
  ['a list of names', [small({ name: ['a', 'b'] })], /field '0\.name': expected/],
  ['the same value twice', [small({ seed: [1, 1] })], /expected another name.*\(small-seed-1\)/],
  [
    'more cases than anyone wants',
    [small({ seed: manySeeds })],
    /these are 501 cases, more than 500: leave values out, or say --full/,
  ],
  ['a write of 7 bytes', [small({ writeBytes: 7 })], /field '0\.writeBytes': expected a multiple/],
  ['no threads', [small({ threads: 0 })], /field '0\.threads': expected a whole number from 1 to/],
  [
    'a trace with a speed of its own and another',
    [small({ workload: 'trace:some.trace', dirtyRatio: 1 })],
    /field '0\.workload': a trace and snapshots say themselves what is written/,
  ],
  [
    'snapshots of no image',
    [small({ workload: 'snapshots' })],
    /field '0\.workload': snapshots are those of an image/,
  ],
  [
    'a guest without memory',
    [{ name: 'a', strategy: 'hybrid' }],
    /field '0\.memory': expected one, because the fill is no image/,
  ],
  [
    'an image that is not there',
    [{ name: 'a', strategy: 'hybrid', fill: 'image:none.image' }],
    /field '0\.fill': .*none\.image: No such file/,
  ],
  [
    'a strategy whose module is not there',
    [small({ strategy: ['hybrid', './none.mjs'] })],
    /field '0\.strategy': the strategy of .*none\.mjs cannot be used: ENOENT/,
  ],
];

describe('a file of scenarios', () => {
  it.each(INVALID)('is refused for %s, and the error says where', async (_, content, says) => {
    const file = writeJson(newFolder(), 'wrong.json', content);
    await expect(readScenarioFile(file, false)).rejects.toThrow(says);
    await expect(readScenarioFile(file, false)).rejects.toThrow(
      /^\S*wrong\.json(?:| is not a list of migrations): /,
    );
  });

  it('may name a trace as its workload', async () => {
    expect(await namesOf([small({ workload: 'trace:some.trace' })])).toEqual(['small']);
    const wrong = namesOf([small({ workload: 'trace:' })]);
    await expect(wrong).rejects.toThrow(/workload': expected one of .*, trace:FILE or snapshots/);
  });

  it('may say everything about a migration', async () => {
    const everything = {
      workingSet: '4MiB',
      writesPerSecond: 1000,
      writeBytes: 128,
      threads: 2,
      seed: 9,
      fill: 'text',
      bandwidth: '1Gbit',
      downtimeBudget: '20ms',
      maxRounds: 5,
      ifNotConverging: 'post-copy',
      channels: 2,
      compression: 'lz4',
      tracker: 'mprotect',
      rtt: '10ms',
    };
    expect(await namesOf([small({ workload: 'uniform', ...everything })])).toEqual(['small']);
  });

  it('stands for each combination of the values that it lists, named after them', async () => {
    const swept = small({ strategy: 'all', dirtyRatio: [0.25, 2], rtt: ['1ms', '0.5ms'] });
    const names = await namesOf([small({ name: 'one' }), swept]);
    expect(names).toHaveLength(1 + 4 * 2 * 2);
    expect(names.slice(0, 4)).toEqual([
      'one',
      'small-stop-and-copy-dirty-ratio-0.25-rtt-1ms',
      'small-stop-and-copy-dirty-ratio-0.25-rtt-0.5ms',
      'small-stop-and-copy-dirty-ratio-2-rtt-1ms',
    ]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('may have more than 500 cases with --full, and never so many that they do not fit', async () => {
    expect(await namesOf([small({ seed: manySeeds })], true)).toHaveLength(501);
    const lists = { seed: manySeeds, maxRounds: manySeeds, threads: manySeeds };
    await expect(namesOf([small(lists)], true)).rejects.toThrow(/125751501 cases, more than 20000/);
  });

  it('is refused for a module that exports no strategy, and is another one with another strategy', async () => {
    const folder = newFolder();
    const file = writeJson(folder, 'own.json', [small({ strategy: './own.mjs' })]);
    const own = join(folder, 'own.mjs');
    const says = async (text: string, why: RegExp) => {
      // A module is loaded once for each path.
      const name = `own-${why.source.length}.mjs`;
      writeFileSync(join(folder, name), text);
      writeJson(folder, 'wrong.json', [small({ strategy: `./${name}` })]);
      await expect(readScenarioFile(join(folder, 'wrong.json'), false)).rejects.toThrow(why);
    };
    await says('export const other = 1;', /it exports no strategy/);
    await says("export const strategy = { name: 'own' };", /the strategy: .*mayServeFaults/);
    await says('export const strategy = {', /own-\d+\.mjs cannot be used: /);

    const text =
      "export const strategy = { name: 'own', mayServeFaults: false, next: () => 'stop-and-copy' };";
    writeFileSync(own, text);
    const before = await readScenarioFile(file, false);
    expect(before.scenarios[0]?.how).toContain('One migration by own in');
    expect((await readScenarioFile(file, false)).digest).toBe(before.digest);
    writeFileSync(own, `${text} // changed`);
    expect((await readScenarioFile(file, false)).digest).not.toBe(before.digest);
  });

  it.each(readdirSync(examples).filter((name) => name.endsWith('.json')))(
    'is what the example %s is',
    async (name) => {
      const { scenarios } = await readScenarioFile(join(examples, name), false);
      expect(scenarios.length).toBeGreaterThan(1);
      for (const { sampleSeconds = 0 } of scenarios) expect(sampleSeconds).toBeGreaterThan(0);
    },
  );

  it('is described field by field in the README of the bench, and its example there is one', async () => {
    const readme = readFileSync(join(root, 'bench', 'README.md'), 'utf8');
    const table = readme.split('\n\n').find((part) => part.startsWith('| field |'));
    expect(table).toBe(fieldTable());
    const example = /```json\n([^`]+)```/.exec(readme)?.[1] ?? '';
    expect(await namesOf(JSON.parse(example))).toHaveLength(1 + 12);
  });
});
