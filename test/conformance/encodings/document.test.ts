/** The examples of docs/encodings.md decode to the pages beside them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BlockContent, DECODERS } from '../../../src/conformance/encodings/block.js';
import { PAGE_BYTES } from '../../../src/conformance/encodings/decoding.js';

const document = readFileSync(new URL('../../../docs/encodings.md', import.meta.url), 'utf8');

interface Example {
  readonly content: string;
  readonly base: Buffer;
  readonly page: Buffer;
  readonly encoding: Buffer;
}

/** `46×4096` is 4096 times the byte 46. */
function bytesOf(text: string): Buffer {
  return Buffer.concat(
    text.split(' ').map((one) => {
      const [byte = '', times = '1'] = one.split('×');
      return Buffer.alloc(Number(times), Number.parseInt(byte, 16));
    }),
  );
}

/** `base`, `pages` and `encoding`, all of each on a line of its own. */
function wholeExample(content: string, text: string): Example {
  const lineOf = (name: string) => new RegExp(`^${name} +(.+)$`, 'm').exec(text)?.[1] ?? '00×4096';
  const [base, page, encoding] = ['base', 'pages', 'encoding'].map((name) => bytesOf(lineOf(name)));
  return { content, base, page, encoding } as Example;
}

/** `page 24: 88 40`: what does not stand there is 0, and a page is what its base is elsewhere. */
function sparseExample(content: string, text: string): Example {
  const placed = (name: string, into: Buffer) => {
    for (const [, at, bytes = ''] of text.matchAll(new RegExp(`^${name} (\\d+): (.+)$`, 'gm'))) {
      bytesOf(bytes).copy(into, Number(at));
    }
    return into;
  };
  const length = Number(/^encoded (\d+) bytes$/m.exec(text)?.[1]);
  const encoded = placed('encoded', Buffer.alloc(length));
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16LE(length);
  const base = placed('base', Buffer.alloc(PAGE_BYTES));
  return {
    content,
    base,
    page: placed('page', Buffer.from(base)),
    encoding: Buffer.concat([prefix, encoded]),
  };
}

const EXAMPLES = document.split('\n## ').flatMap((section) => {
  const [content = ''] = section.split('\n', 1);
  const blocks = [...section.matchAll(/^```\n([^`]*)^```$/gm)].map(([, text = '']) => text);
  return blocks.map((text) =>
    text.includes('\nencoding ') ? wholeExample(content, text) : sparseExample(content, text),
  );
});
const OF_BLOCKS = EXAMPLES.filter(({ content }) => content !== 'fill');

describe('an example of docs/encodings.md', () => {
  it('is there for each encoding', () => {
    const named = new Set(OF_BLOCKS.map(({ content }) => content));
    expect([...named].sort()).toEqual(Object.keys(DECODERS).sort());
  });

  it.each(OF_BLOCKS)('of $content decodes to its page', ({ content, base, page, encoding }) => {
    const into = Buffer.alloc(PAGE_BYTES, 0xee);
    DECODERS[content as BlockContent](encoding, into, base);
    expect(into.equals(page)).toBe(true);
  });
});
