// What each page codec costs and saves, by content.
import { runNative } from '../lib/native.mjs';

const MEMORY_BYTES = 64 * 2 ** 20;
const MEMCPY = 'memcpy of the same pages, one by one';
const CODECS = ['raw', 'zero', 'lz4'];
const CONTENTS = {
  zero: 'zero pages',
  text: 'text',
  random: 'random bytes',
  // The bench itself: a Node.js process.
  process: 'pages of a Node.js process',
};

/** Each answers a figure, or why there is none. */
const KINDS = {
  encode: {
    title: 'encode',
    unit: 'GB/s',
    better: 'higher',
    baseline: MEMCPY,
    of: ({ encodeGbPerSecond }) => encodeGbPerSecond,
  },
  decode: {
    title: 'decode',
    unit: 'GB/s',
    better: 'higher',
    baseline: MEMCPY,
    of: ({ decode }) => decode?.gbPerSecond ?? 'it encoded none of these pages: they go raw',
  },
  size: {
    title: 'bytes out ÷ bytes in',
    unit: '×',
    better: 'lower',
    of: ({ outPerIn }) => outPerIn,
  },
};

/** That raw takes every byte is its definition. */
function isKnown({ codec, kind }) {
  return codec === 'raw' && kind === 'size';
}

function codecScenario(content) {
  const name = `codec-${content}`;
  const rows = Object.keys(KINDS)
    .flatMap((kind) => CODECS.map((codec) => ({ key: `${name}-${codec}-${kind}`, kind, codec })))
    .filter((row) => !isKnown(row));
  return {
    name,
    neededBytes: 3 * MEMORY_BYTES,
    sampleSeconds: 1,
    how: `A native program encodes 64 MiB of ${CONTENTS[content]} page by page with one thread, and decodes them into populated memory; median of three passes. A page that a codec does not make smaller goes raw and counts with its full size; speeds are of the bytes that go in, pages that were refused included. Every decoded page is compared.`,
    rows: rows.map(({ key, kind, codec }) => {
      const { title, unit, better, baseline } = KINDS[kind];
      return { key, title: `${codec}, ${title}: ${CONTENTS[content]}`, unit, better, baseline };
    }),
    async sample({ signal }) {
      const args = ['--bytes', MEMORY_BYTES, '--content', content, '--pid', process.pid];
      const sample = await runNative('codec-bench', args, { signal });
      const figure = ({ kind, codec }) => {
        const measured = KINDS[kind].of(sample.codecs[codec]);
        if (typeof measured === 'string') return { skipped: measured };
        if (KINDS[kind].baseline === undefined) return { measured };
        return {
          measured,
          baseline: sample.memcpyGbPerSecond,
          details: sample.codecs[codec],
        };
      };
      return { rows: Object.fromEntries(rows.map((row) => [row.key, figure(row)])) };
    },
  };
}

export const codecScenarios = Object.keys(CONTENTS).map(codecScenario);
