import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeMessagePack } from '../../src/conformance/message-pack.js';

const packr = new Packr({ useRecords: false });
const hex = (text: string) => Buffer.from(text, 'hex');

describe('the decoder of MessagePack', () => {
  it('reads what an encoder that shares nothing with it has written', () => {
    const long = { text: 'ü'.repeat(300), list: Array.from({ length: 20 }, (_, at) => at * 1000) };
    const value = { nothing: null, is: true, not: false, half: 0.5, ...long, deep: { er: ['x'] } };
    const bytes = decodeMessagePack(packr.pack({ bytes: Buffer.from('abc') }));
    expect(bytes).toEqual(new Map([['bytes', Buffer.from('abc')]]));
    expect(decodeMessagePack(packr.pack(value))).toEqual(
      new Map<string, unknown>([
        ['nothing', null],
        ['is', true],
        ['not', false],
        ['half', 0.5],
        ['text', long.text],
        ['list', long.list.map(BigInt)],
        ['deep', new Map([['er', ['x']]])],
      ]),
    );
  });

  it.each([
    ['00', 0n],
    ['7f', 127n],
    ['e0', -32n],
    ['ff', -1n],
    ['ccff', 255n],
    ['cd0100', 256n],
    ['ce00010000', 65_536n],
    ['cfffffffffffffffff', 2n ** 64n - 1n],
    ['d080', -128n],
    ['d1ff00', -256n],
    ['d2ffffffff', -1n],
    ['d38000000000000000', -(2n ** 63n)],
    ['ca3f000000', 0.5],
    ['cb3ff8000000000000', 1.5],
    ['d90161', 'a'],
    ['da000161', 'a'],
    ['db0000000161', 'a'],
    ['dc0001c0', [null]],
    ['dd00000001c0', [null]],
    ['de0001a161c0', new Map([['a', null]])],
    ['df00000001a161c0', new Map([['a', null]])],
    ['c500016b', Buffer.from('k')],
    ['c6000000016b', Buffer.from('k')],
  ])('reads %s', (bytes, value) => {
    expect(decodeMessagePack(hex(bytes))).toEqual(value);
  });

  it.each([
    ['', /ends too early/],
    ['c1', /type 0xc1/],
    ['d4ff00', /type 0xd4/],
    ['a261', /ends too early/],
    ['ddffffffff', /ends too early/],
    ['c6ffffffff00', /ends too early/],
    ['a1ff', /not UTF-8/],
    ['8101c0', /key that is not text/],
    ['82a161c0a161c0', /the key a twice/],
    ['c0c0', /1 bytes follow/],
    ['91'.repeat(40), /nested too deep/],
  ])('refuses %s', (bytes, says) => {
    expect(() => decodeMessagePack(hex(bytes))).toThrow(says);
  });
});
