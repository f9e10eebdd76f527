/**
 * Decodes the subset of MessagePack that messages use. Own code, because the engine's library would read whatever
 * extension it writes, and could not tell an integer from a floating-point number.
 */

/** An integer is a bigint, a floating-point number a number. */
export type Value = null | boolean | bigint | number | string | Uint8Array | Value[] | Fields;
export type Fields = Map<string, Value>;

export class NotMessagePack extends Error {}

const MOST_DEPTH = 16;
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The one value that the bytes are. Throws NotMessagePack. */
export function decodeMessagePack(bytes: Buffer): Value {
  const decoder = new Decoder(bytes);
  const value = decoder.value(0);
  if (decoder.at === bytes.byteLength) return value;
  throw new NotMessagePack(`${bytes.byteLength - decoder.at} bytes follow the value`);
}

class Decoder {
  at = 0;

  constructor(readonly bytes: Buffer) {}

  value(depth: number): Value {
    if (depth > MOST_DEPTH) throw new NotMessagePack('it is nested too deep');
    const first = Number(this.unsigned(1));
    if (first < 0x80) return BigInt(first);
    if (first >= 0xe0) return BigInt(first - 0x100);
    if (first < 0x90) return this.map(first & 0x0f, depth);
    if (first < 0xa0) return this.list(first & 0x0f, depth);
    if (first < 0xc0) return this.text(first & 0x1f);
    switch (first) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return first === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.take(this.length(1 << (first - 0xc4)));
      case 0xca:
        return this.take(4).readFloatBE();
      case 0xcb:
        return this.take(8).readDoubleBE();
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.unsigned(1 << (first - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3: {
        const bytes = 1 << (first - 0xd0);
        return BigInt.asIntN(8 * bytes, this.unsigned(bytes));
      }
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.length(1 << (first - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.list(this.length(2 << (first - 0xdc)), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.length(2 << (first - 0xde)), depth);
      default:
        throw new NotMessagePack(`a value of type 0x${first.toString(16)}`);
    }
  }

  take(bytes: number): Buffer {
    if (this.at + bytes > this.bytes.byteLength) throw new NotMessagePack('it ends too early');
    this.at += bytes;
    return this.bytes.subarray(this.at - bytes, this.at);
  }

  unsigned(bytes: number): bigint {
    return this.take(bytes).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }

  length(bytes: number): number {
    return Number(this.unsigned(bytes));
  }

  text(bytes: number): string {
    try {
      return text.decode(this.take(bytes));
    } catch (error) {
      if (error instanceof NotMessagePack) throw error;
      throw new NotMessagePack('a text that is not UTF-8');
    }
  }

  list(length: number, depth: number): Value[] {
    const list: Value[] = [];
    while (list.length < length) list.push(this.value(depth + 1));
    return list;
  }

  map(length: number, depth: number): Fields {
    const map: Fields = new Map();
    for (let left = length; left > 0; left -= 1) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new NotMessagePack('a key that is not text');
      if (map.has(key)) throw new NotMessagePack(`the key ${key} twice`);
      map.set(key, this.value(depth + 1));
    }
    return map;
  }
}
