/** The command line takes ranges and defaults from the tables of src/options. */
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addMigrationOptions,
  COUNT,
  DURATION,
  engineOptions,
  fieldOption,
  type MigrationValues,
} from '../../src/cli/options.js';
import { whole } from '../../src/options/field.js';
import { SOURCE_FIELDS } from '../../src/options/source-fields.js';

const DEFAULTS = { memory: 1 << 20, writeRate: 0, bandwidth: 'unlimited' };

function parse(...args: string[]) {
  const command = addMigrationOptions(new Command(), DEFAULTS).exitOverride();
  command.configureOutput({ writeErr: () => {} });
  command.parse(args, { from: 'user' });
  return engineOptions(command.opts<MigrationValues>());
}

describe('the command line', () => {
  it('has the defaults of the API, but for watching the guest and comparing its pages', () => {
    const { observeMs, verify, ...rest } = parse();
    expect({ observeMs, verify }).toEqual({ observeMs: 500, verify: true });
    for (const [name, value] of Object.entries(rest)) {
      expect(value, name).toBe(SOURCE_FIELDS[name as keyof typeof SOURCE_FIELDS].default);
    }
    expect(Object.keys(rest).length).toBeGreaterThanOrEqual(7);
  });

  it.each([
    ['--stall-timeout', '500ms', 'expected 1s to 1440min'],
    ['--stall-timeout', '0', 'expected 1s to 1440min'],
    ['--stall-timeout', '40000min', 'expected 1s to 1440min'],
    ['--stall-timeout', '1us', 'expected 1s to 1440min'],
    ['--switchover-timeout', '99ms', 'expected 100ms to 60min'],
    ['--downtime-budget', '25000min', 'expected 0 to 1440min'],
    ['--observe', '11min', 'expected 0 to 10min'],
    ['--channels', '65', 'from 1 to 64'],
    ['--max-rounds', '0', 'from 1 to 1000000'],
    ['--if-not-converging', 'pray', 'stop-and-copy, post-copy, abort'],
    ['--compression', 'zip', 'raw, lz4'],
    ['--compression', 'zstd:20', 'a level from 1 to 19'],
    ['--cache', '-1', 'expected'],
  ])('%s %s is refused with the range', (flag, value, message) => {
    expect(() => parse(flag, value)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(message) }),
    );
  });

  it('reads each unit that it writes', () => {
    const field = whole({ unit: 'ms', least: 0, most: 86_400_000, default: 90_000 });
    for (const ms of [0, 1, 999, 1000, 1500, 60_000, 90_000, 86_400_000]) {
      expect(DURATION.parse(DURATION.format(ms), field)).toBe(ms);
    }
    expect(COUNT.parse(COUNT.format(64), field)).toBe(64);
    expect(fieldOption('--x <time>', '', field, DURATION).defaultValueDescription).toBe('90s');
  });
});
