import { describe, expect, it } from 'vitest';
import { readScenarioFile } from '#bench/lib/scenario-file.js';
import { newFolder, small, writeJson } from './bench-command.js';

const INVALID: readonly (readonly [what: string, content: unknown, says: RegExp])[] = [
  ['no list', small(), /the document: expected Array, got Object/],
  ['an empty list', [], /the document: expected at least one migration/],
  ['a missing field', [{ name: 'a', memory: '16MiB' }], /field '0\.strategy': is missing/],
  ['an unknown field', [small({ colour: 'red' })], /field '0\.colour': is not known/],
  ['a name with a space', [small({ name: 'a b' })], /field '0\.name': expected a name such as/],
  ['the same name twice', [small(), small()], /field '1': expected another name/],
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
];

describe('a file of scenarios', () => {
  it.each(INVALID)('is refused for %s, and the error says where', (_, content, says) => {
    const file = writeJson(newFolder(), 'wrong.json', content);
    expect(() => readScenarioFile(file)).toThrow(says);
    expect(() => readScenarioFile(file)).toThrow(/^\S*wrong\.json: /);
  });

  it('may name a trace as its workload', () => {
    const file = writeJson(newFolder(), 'traced.json', [small({ workload: 'trace:some.trace' })]);
    expect(readScenarioFile(file).scenarios.map(({ name }) => name)).toEqual(['small']);
    const wrong = writeJson(newFolder(), 'wrong.json', [small({ workload: 'trace:' })]);
    expect(() => readScenarioFile(wrong)).toThrow(/workload': expected one of .*, or trace:FILE/);
  });

  it('may say everything about a migration', () => {
    const everything = {
      workingSet: '4MiB',
      writesPerSecond: 1000,
      fill: 'text',
      bandwidth: '1Gbit',
      channels: 2,
      codec: 'lz4',
      tracker: 'mprotect',
      rtt: '10ms',
    };
    const file = writeJson(newFolder(), 'full.json', [
      small({ workload: 'uniform', ...everything }),
    ]);
    expect(readScenarioFile(file).scenarios.map(({ name }) => name)).toEqual(['small']);
  });
});
