import { describe, expect, it } from 'vitest';
import {
  parseAuthorityName,
  parseHostName,
  parseHostNames,
  parseIdentity,
} from '../../src/pki/names.js';

describe('the name of a host', () => {
  it.each([
    ['host-a', 'host-a'],
    ['Host-A.Example', 'host-a.example'],
    ['localhost', 'localhost'],
    ['1host.example', '1host.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['10.0.0.1', '10.0.0.1'],
    ['FD00:0:0:0::1', 'fd00::1'],
    ['::1', '::1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['a'.repeat(63), 'a'.repeat(63)],
  ])('%s is %s in the certificate', (text, name) => {
    expect(parseHostName(text)).toBe(name);
    expect(parseHostName(name)).toBe(name);
  });

  it.each([
    [''],
    ['a b'],
    ['-a'],
    ['a-'],
    ['a_b'],
    ['a..b'],
    ['a.'],
    ['.a'],
    ['*.example'],
    ['a/b'],
    ['../a'],
    ['a\n'],
    ['a,DNS:b'],
    ['bücher.example'],
    ['host:7777'],
    ['[::1]'],
    ['a'.repeat(64)],
    [Array(64).fill('abcd').join('.')],
    ['10.0.0.256'],
    ['10.0.0'],
    ['010.0.0.1'],
    ['fe80::1%eth0'],
    ['fd00::1::2'],
  ])('%j is refused', (text) => {
    expect(() => parseHostName(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('the names of a certificate', () => {
  it('are each there once, whatever way they were written in', () => {
    expect(parseHostNames(['b', 'a', 'B', 'fd00::1', 'FD00:0::1'])).toEqual(['b', 'a', 'fd00::1']);
  });

  it('may be long, but for the first', () => {
    const long = `${'a'.repeat(60)}.example`;
    expect(parseHostNames(['a', long])).toEqual(['a', long]);
    expect(() => parseHostNames([long, 'a'])).toThrow(/put a shorter name first/);
  });

  it.each(['ca', 'CA', 'ca-key', 'crl'])(
    '%s is no first name, because a file of the CA has it',
    (name) => {
      expect(() => parseHostNames([name])).toThrow(/put another name first/);
      expect(parseHostNames(['a', name])).toEqual(['a', name.toLowerCase()]);
    },
  );
});

describe('the name of a CA', () => {
  it.each(['Pageferry lab CA', 'Raum 12, "Süd" \\ <links>', 'ä'.repeat(64)])(
    'may be %s',
    (text) => {
      expect(parseAuthorityName(text)).toBe(text);
    },
  );

  it.each(['', '  ', 'a\nb', 'a\u0000', 'ä'.repeat(65)])('is not %j', (text) => {
    expect(() => parseAuthorityName(text)).toThrow(/expected 1 to 64 characters/);
  });
});

describe('the identity of a pre-shared key', () => {
  it.each(['pageferry', 'room-12/a=b', '~', 'a'.repeat(128)])('may be %s', (text) => {
    expect(parseIdentity(text)).toBe(text);
  });

  it.each(['', 'a:b', 'a b', 'ä', 'a\n', 'a'.repeat(129)])('is not %j', (text) => {
    expect(() => parseIdentity(text)).toThrow(/expected 1 to 128 characters/);
  });
});
