// What each page codec costs and saves, by content.
import { type NativeAnswer, runNative } from '../lib/native.js';
import type { Figure, Scenario, ScenarioRow } from '../lib/scenario.js';

const MEMORY_BYTES = 64 * 2 ** 20;
const MEMCPY = 'memcpy of the same pages, one by one';
const CODECS = ['raw', 'zero', 'lz4'] as const;
const CONTENTS = {
  zero: 'zero pages',
  text: 'text',
  random: 'random bytes',
  // The bench itself: a Node.js process.
  process: 'pages of a Node.js process',
};
type Content = keyof typeof CONTENTS;

type Answer = NativeAnswer<'codec-bench'>;
type Codec = keyof Answer['codecs'];

interface Kind extends Pick<ScenarioRow, 'title' | 'unit' | 'better' | 'baseline'> {
  readonly kind: string;
  /** Answers a figure, or why there is none. */
  of(figures: Answer['codecs'][Codec]): number | string;
}

const KINDS: readonly Kind[] = [
  {
    kind: 'encode',
    title: 'encode',
    unit: 'GB/s',
    better: 'higher',
    baseline: MEMCPY,
    of: ({ encodeGbPerSecond }) => encodeGbPerSecond,
  },
  {
    kind: 'decode',
    title: 'decode',
    unit: 'GB/s',
    better: 'higher',
    baseline: MEMCPY,
    of: ({ decode }) => decode?.gbPerSecond ?? 'it encoded none of these pages: they go raw',
  },
  {
    kind: 'size',
    title: 'bytes out ÷ bytes in',
    unit: '×',
    better: 'lower',
    of: ({ outPerIn }) => outPerIn,
  },
];

/** That raw takes every byte is its definition. */
function isKnown(codec: Codec, { kind }: Kind): boolean {
  return codec === 'raw' && kind === 'size';
}

function figureOf(kind: Kind, codec: Codec, { codecs, memcpyGbPerSecond }: Answer): Figure {
  const details = codecs[codec];
  const measured = kind.of(details);
  if (typeof measured === 'string') return { skipped: measured };
  if (kind.baseline === undefined) return { measured };
  return { measured, baseline: memcpyGbPerSecond, details };
}

function codecScenario(content: Content): Scenario {
  const name = `codec-${content}`;
  const rows = KINDS.flatMap((kind) =>
    CODECS.filter((codec) => !isKnown(codec, kind)).map((codec) => ({
      key: `${name}-${codec}-${kind.kind}`,
      kind,
      codec,
    })),
  );
  return {
    name,
    neededBytes: 3 * MEMORY_BYTES,
    sampleSeconds: 1,
    how: `A native program encodes 64 MiB of ${CONTENTS[content]} page by page with one thread, and decodes them into populated memory; median of three passes. A page that a codec does not make smaller goes raw and counts with its full size; speeds are of the bytes that go in, pages that were refused included. Every decoded page is compared.`,
    rows: rows.map(({ key, kind, codec }) => {
      const { title, unit, better, baseline } = kind;
      return { key, title: `${codec}, ${title}: ${CONTENTS[content]}`, unit, better, baseline };
    }),
    async sample({ signal }) {
      const args = ['--bytes', MEMORY_BYTES, '--content', content, '--pid', process.pid];
      const sample = await runNative('codec-bench', args, { signal });
      const figures = rows.map(({ key, kind, codec }) => [key, figureOf(kind, codec, sample)]);
      return { rows: Object.fromEntries(figures) };
    },
  };
}

export const codecScenarios = (Object.keys(CONTENTS) as Content[]).map(codecScenario);
