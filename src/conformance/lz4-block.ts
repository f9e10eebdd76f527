/** Decodes one LZ4 block, as the LZ4 block format has it. */

/** Why a block is none, or undefined where it decodes to exactly as many bytes as `into` has. */
export function decodeLz4Block(block: Uint8Array, into: Uint8Array): string | undefined {
  let from = 0;
  let to = 0;
  /** A length of 15 goes on in the bytes that follow, up to one that is not 255. */
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15; more; ) {
      const byte = block[from++] ?? Number.NaN;
      length += byte;
      more = byte === 255;
    }
    return length;
  };
  while (from < block.length) {
    const token = block[from++] as number;
    const literals = lengthOf(token >> 4);
    if (!(from + literals <= block.length)) return 'literals go beyond the end of the block';
    if (to + literals > into.length) return 'it decodes to more bytes than a page has';
    into.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === block.length) {
      return to === into.length ? undefined : `it decodes to ${to} bytes`;
    }
    if (from + 2 > block.length) return 'a match has no offset';
    const distance = (block[from] as number) | ((block[from + 1] as number) << 8);
    from += 2;
    if (distance === 0 || distance > to) return 'a match begins before the page does';
    const match = lengthOf(token & 15) + 4;
    if (Number.isNaN(match)) return 'the length of a match goes beyond the end of the block';
    if (to + match > into.length) return 'it decodes to more bytes than a page has';
    // Byte by byte: a match may repeat what it has just written.
    for (const end = to + match; to < end; to += 1) into[to] = into[to - distance] as number;
  }
  return 'it ends without literals';
}
