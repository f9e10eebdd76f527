import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { SOURCE_FIELDS } from '../../src/options/source-fields.js';
import { resolveOptions, type SourceOptions } from '../../src/source/options.js';
import { Source } from '../../src/source/source.js';
import { MIB, startGuest } from '../support/guests.js';

const GOOD: SourceOptions = { host: '127.0.0.1', port: 1, strategy: 'hybrid' };

const NUMBERS = Object.entries(SOURCE_FIELDS).flatMap(([name, field]) =>
  'least' in field ? [{ name, ...field }] : [],
);
const CHOICES = Object.entries(SOURCE_FIELDS).flatMap(([name, field]) =>
  'choices' in field ? [{ name, ...field }] : [],
);

async function refusal(options: unknown): Promise<unknown> {
  const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
  try {
    new Source(guest, options as SourceOptions);
  } catch (error) {
    return error;
  }
  throw new Error(`was taken: ${JSON.stringify(options)}`);
}

describe.each(NUMBERS)('a source’s $name', ({ name, least, most, default: byDefault }) => {
  it.each([
    ['below its range', least - 1],
    ['above its range', most + (most < 2 ** 50 ? 1 : most)],
    ['not a number', Number.NaN],
    ['endless', Number.POSITIVE_INFINITY],
    ['a text', String(least)],
    ['a bigint', BigInt(Math.ceil(least))],
    ['null', null],
    ['an object', {}],
  ])('is refused, by its name, when it is %s', async (_what, value) => {
    const error = await refusal({ ...GOOD, [name]: value });
    expect(error).toMatchObject({ code: 'USAGE', name: 'PageferryError' });
    expect((error as Error).message).toMatch(
      new RegExp(`^the source: ${name} must be .* from ${least} to ${most}, not .`),
    );
  });

  it('is taken at both ends of its range, and its default lies within', async () => {
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    for (const value of [least, most]) {
      const resolved = resolveOptions({ ...GOOD, [name]: value }, guest);
      expect({ ...resolved, ...resolved.address }).toMatchObject({ [name]: value });
    }
    if (byDefault === undefined) return;
    expect(byDefault).toBeGreaterThanOrEqual(least);
    expect(byDefault).toBeLessThanOrEqual(most);
    expect(resolveOptions(GOOD, guest)).toMatchObject({ [name]: byDefault });
  });
});

describe.each(CHOICES)('a source’s $name', ({ name, choices, default: byDefault }) => {
  it('is refused when it is none of those that there are', async () => {
    for (const value of ['', 'nonsense', 7, null, ['raw'], {}]) {
      expect(await refusal({ ...GOOD, [name]: value })).toMatchObject({
        code: 'USAGE',
        message: expect.stringMatching(new RegExp(`${name} must be .*${choices[0]}`)),
      });
    }
  });

  it('is taken when it is one of them', async () => {
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    for (const value of choices) {
      // Whether the guest bears the tracker is decided with it.
      const taken = name === 'tracker' ? { kind: 'use', tracker: value } : value;
      expect(resolveOptions({ ...GOOD, [name]: value }, guest)).toMatchObject({ [name]: taken });
    }
    if (byDefault !== undefined) {
      expect(resolveOptions(GOOD, guest)).toMatchObject({ [name]: byDefault });
    }
  });
});

describe('a source', () => {
  it.each([
    ['no options', undefined, 'expected an object, not undefined'],
    ['options that are none', 7, 'expected an object, not 7'],
    ['no host', { port: 1, strategy: 'hybrid' }, "the option 'host' is missing"],
    ['no port', { host: 'a', strategy: 'hybrid' }, "the option 'port' is missing"],
    ['no strategy', { host: 'a', port: 1 }, "the option 'strategy' is missing"],
    ['a path and a port', { path: '/a', port: 1, strategy: 'hybrid' }, 'one or the other'],
    ['a path and a host', { path: '/a', host: 'a', strategy: 'hybrid' }, 'one or the other'],
    ['an empty path', { path: '', strategy: 'hybrid' }, 'path must be a text'],
    ['a long path', { path: 'a'.repeat(108), strategy: 'hybrid' }, 'path must be a text'],
    ['an empty host', { ...GOOD, host: '' }, 'host must be a text'],
    ['a number for a host', { ...GOOD, host: 7 }, 'host must be a text'],
    ['a host without end', { ...GOOD, host: 'a'.repeat(10_000) }, 'host must be a text'],
    ['a yes for verify', { ...GOOD, verify: 'yes' }, 'verify must be true or false'],
    ['no page to verify', { ...GOOD, verify: { pages: 0 } }, 'a whole number of at least 1'],
    ['an option that nobody knows', { ...GOOD, bandwith: 1 }, "there is no option 'bandwith'"],
    ['a strategy that nobody wrote', { ...GOOD, strategy: 'teleport' }, "not 'teleport'"],
    ['half a strategy', { ...GOOD, strategy: { name: 'mine' } }, "'mayServeFaults' is missing"],
  ])('cannot be made with %s', async (_what, options, message) => {
    const error = await refusal(options);
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) });
    expect((error as Error).message.length).toBeLessThan(300);
  });

  it('takes an option that is undefined for one that was not given', async () => {
    const guest = await startGuest({ memoryBytes: MIB, workload: 'idle' });
    const options = { ...GOOD, stallMs: undefined } as unknown as SourceOptions;
    expect(resolveOptions(options, guest)).toMatchObject({ stallMs: 30_000 });
  });

  it.each([undefined, null, {}, { memory: {}, pause: async () => {} }])(
    'cannot be made of %j, which is no guest',
    (guest) => {
      expect(() => new Source(guest as unknown as Guest, GOOD)).toThrow(
        expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('saveState') }),
      );
    },
  );
});

describe('the comments of SourceOptions', () => {
  it('name the ranges of the table', () => {
    const comments = readFileSync(new URL('../../src/source/options.ts', import.meta.url), 'utf8');
    const ofField = (name: string) =>
      new RegExp(`/\\*\\*((?:(?!\\*/).)*)\\*/\\s*readonly ${name}\\?`, 's').exec(comments)?.[1];
    expect(ofField('stallMs')).toContain('1 s … 24 h; 30 s by default');
    expect(SOURCE_FIELDS.stallMs).toMatchObject({
      least: 1000,
      most: 24 * 3_600_000,
      default: 30_000,
    });
    expect(ofField('switchoverMs')).toContain('100 ms … 1 h; 3 s by default');
    expect(SOURCE_FIELDS.switchoverMs).toMatchObject({
      least: 100,
      most: 3_600_000,
      default: 3000,
    });
    expect(ofField('connectMs')).toContain('1 ms … 1 h; 5 s by default');
    expect(SOURCE_FIELDS.connectMs).toMatchObject({ least: 1, most: 3_600_000, default: 5000 });
    expect(ofField('maxRounds')).toContain('1 … 1,000,000; 30 by default');
    expect(ofField('downtimeBudgetMs')).toContain('0 … 24 h; 50 ms by default');
  });
});
