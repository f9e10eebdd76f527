import { describe, expect, it } from 'vitest';
import { Destination } from '../../src/destination/destination.js';
import type { DestinationOptions } from '../../src/destination/options.js';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import { DESTINATION_FIELDS } from '../../src/options/destination-fields.js';

const createGuest = WorkloadGuest.arrive;
const NUMBERS = Object.entries(DESTINATION_FIELDS).flatMap(([name, field]) =>
  'least' in field ? [{ name, ...field }] : [],
);

async function refusal(options: unknown): Promise<unknown> {
  try {
    const destination = await Destination.listen(options as DestinationOptions);
    await destination.close();
  } catch (error) {
    return error;
  }
  throw new Error('it listens');
}

describe.each(NUMBERS)('a destination’s $name', ({ name, least, most }) => {
  it('is refused, by its name, when it is out of its range or no number', async () => {
    const above = most + (most < 2 ** 50 ? 1 : most);
    for (const value of [least - 1, above, Number.NaN, String(least), null, {}]) {
      const error = await refusal({ createGuest, [name]: value });
      expect(error).toMatchObject({ code: 'USAGE', name: 'PageferryError' });
      expect((error as Error).message).toMatch(new RegExp(`^the destination: ${name} must be `));
    }
  });
});

describe('a destination', () => {
  it.each([
    ['no options', undefined, 'expected an object, not undefined'],
    ['no factory', {}, "the option 'createGuest' is missing"],
    ['a factory that is none', { createGuest: {} }, 'createGuest must be a function'],
    ['an empty host', { createGuest, host: '' }, 'host must be a text'],
    ['a yes for a flag', { createGuest, prefault: 'yes' }, 'prefault must be true or false'],
    ['an option nobody knows', { createGuest, keep: true }, "there is no option 'keep'"],
    ['one size to prepare', { createGuest, prepare: 4096 }, 'prepare must be a list of guests'],
    ['a list of sizes', { createGuest, prepare: [4096] }, 'must be a list of sizes of regions'],
    ['half a page', { createGuest, prepare: [[2048]] }, 'must be a positive multiple of 4096'],
    ['a guest without regions', { createGuest, prepare: [[]] }, 'at least one region'],
  ])('does not listen with %s', async (_what, options, message) => {
    expect(await refusal(options)).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(message),
    });
  });
});
