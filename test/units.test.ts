import { describe, expect, it } from 'vitest';
import { PageferryError } from '../src/errors.js';
import {
  exactBytes,
  formatAddress,
  formatBitRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatWhole,
  parseAddress,
  parseBytes,
  parseCount,
  parseDuration,
  parsePages,
  parseRate,
  parseTcpAddress,
} from '../src/units.js';

/** What a parser says to a text it does not take. */
function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof PageferryError && error.code === 'USAGE') return error.message;
    throw error;
  }
  throw new Error('it was taken');
}

describe('sizes', () => {
  it.each([
    ['4096', 4096],
    ['17B', 17],
    ['64k', 65_536],
    ['64K', 65_536],
    ['64KiB', 65_536],
    ['64kB', 64_000],
    ['512MiB', 512 * 2 ** 20],
    ['512 MiB', 512 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['1g', 2 ** 30],
    ['2TiB', 2 ** 41],
    ['0', 0],
  ])('%s are read as %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each([
    '',
    '-1',
    'many',
    '1.5',
    '1.5B',
    '0x10',
    '1e6',
    '12QiB',
    'MiB',
    '1 2MiB',
    '99999999TiB',
  ])("'%s' is refused with what was expected", (text) => {
    expect(refusal(() => parseBytes(text))).toBe(
      `expected a size such as 512MiB, 1GiB, 64k or a number of bytes, not '${text}'`,
    );
  });

  it('memory that is no multiple of the page size is refused with the nearest that is', () => {
    expect(parsePages('64MiB')).toBe(64 * 2 ** 20);
    expect(refusal(() => parsePages('5000'))).toBe(
      "expected a multiple of 4096 bytes, not '5000'; the nearest is 4KiB",
    );
    expect(refusal(() => parsePages('513001k'))).toContain('the nearest is 513000KiB');
    expect(refusal(() => parsePages('0'))).toContain('the nearest is 4KiB');
  });

  it('are written so that they are read back', () => {
    for (const bytes of [1, 4096, 5000, 3 * 2 ** 20, 2 ** 30]) {
      expect(parseBytes(exactBytes(bytes))).toBe(bytes);
    }
    expect(formatBytes(1.5 * 2 ** 30)).toBe('1.50 GiB');
    expect(formatRate(2 ** 20)).toBe('1 MiB/s');
  });
});

describe('rates', () => {
  it.each([
    ['1Gbit', 125_000_000],
    ['1gbit', 125_000_000],
    ['100Mbit/s', 12_500_000],
    ['50MiB/s', 50 * 2 ** 20],
    ['50MB/s', 50_000_000],
    ['50MB', 50_000_000],
    ['9600bit/s', 1200],
    ['2.5Gbit', 312_500_000],
    ['unlimited', 0],
  ])('%s are read as %d bytes per second', (text, bytes) => {
    expect(parseRate(text)).toBe(bytes);
  });

  it.each(['', '0', '0bit', '1000', '10Mb', '10Mbps', 'fast', '-1Gbit', '1bit'])(
    "'%s' is refused with what was expected",
    (text) => {
      expect(refusal(() => parseRate(text))).toBe(
        `expected a rate such as 1Gbit, 100Mbit/s, 50MiB/s or 'unlimited', not '${text}'`,
      );
    },
  );
});

it('rates are written in bits, as links are named', () => {
  expect(formatBitRate(parseRate('2Gbit'))).toBe('2.00 Gbit/s');
  expect(formatBitRate(parseRate('100Mbit'))).toBe('100 Mbit/s');
});

describe('durations', () => {
  it.each([
    ['50ms', 50],
    ['2s', 2000],
    ['1.5s', 1500],
    ['500us', 0.5],
    ['2min', 120_000],
    ['0', 0],
  ])('%s are read as %d milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '50', 'soon', '-1s', '2h'])("'%s' is refused with what was expected", (text) => {
    expect(refusal(() => parseDuration(text))).toBe(
      `expected a duration such as 50ms, 2s or 1min, not '${text}'`,
    );
  });

  it('are written with three digits and a fitting unit', () => {
    expect([0.412, 3.251, 41.26, 812.4, 2410, 59_900, 185_000].map(formatDuration)).toEqual([
      '412 µs',
      '3.25 ms',
      '41.3 ms',
      '812 ms',
      '2.41 s',
      '59.9 s',
      '3 min 5 s',
    ]);
    expect([-0.412, -2410].map(formatDuration)).toEqual(['−412 µs', '−2.41 s']);
  });
});

describe('counts', () => {
  it('are read with thousands and millions, and kept in their range', () => {
    expect(parseCount('17')).toBe(17);
    expect(parseCount('20k')).toBe(20_000);
    expect(parseCount('1.5M')).toBe(1_500_000);
    expect(refusal(() => parseCount('0', 1, 64))).toBe(
      "expected a whole number from 1 to 64, not '0'",
    );
    expect(refusal(() => parseCount('-1'))).toBe("expected a whole number of 0 or more, not '-1'");
    expect(refusal(() => parseCount('1.5'))).toContain('whole number');
  });

  it('are written short or in full', () => {
    expect([17, 999, 1250, 81_234, 812_000, 3_400_000].map(formatCount)).toEqual([
      '17',
      '999',
      '1.25k',
      '81.2k',
      '812k',
      '3.40M',
    ]);
    expect(formatWhole(131_072)).toBe('131,072');
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:7777', '127.0.0.1', 7777],
    ['localhost:0', 'localhost', 0],
    ['[::1]:7777', '::1', 7777],
    ['[fe80::1%eth0]:7777', 'fe80::1%eth0', 7777],
  ])('%s is host and port, and is written back the same', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(text);
  });

  it.each(['', 'localhost', ':7777', '::1:7777', 'host:70000', 'host:x', '7777'])(
    "'%s' is refused with what was expected",
    (text) => {
      expect(refusal(() => parseAddress(text))).toBe(
        `expected HOST:PORT, such as 127.0.0.1:7777 or [::1]:7777, or unix:PATH, not '${text}'`,
      );
    },
  );

  it('may be the path of a Unix-domain socket', () => {
    expect(parseAddress('unix:/run/pageferry.sock')).toEqual({ path: '/run/pageferry.sock' });
    expect(formatAddress({ path: 'here.sock' })).toBe('unix:here.sock');
    expect(refusal(() => parseAddress(`unix:${'a'.repeat(108)}`))).toContain('at most 107 bytes');
    expect(refusal(() => parseAddress('unix:'))).toContain('or unix:PATH');
  });

  it('may be a port alone where a host is the default', () => {
    expect(parseTcpAddress('9464', '127.0.0.1')).toEqual({ host: '127.0.0.1', port: 9464 });
    expect(parseTcpAddress('0.0.0.0:9464', '127.0.0.1')).toEqual({ host: '0.0.0.0', port: 9464 });
    expect(refusal(() => parseTcpAddress('99999', '127.0.0.1'))).toContain('a port or HOST:PORT');
  });
});
