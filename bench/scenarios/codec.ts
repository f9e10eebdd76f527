// What each codec of blocks costs and saves, by content.
import { type NativeAnswer, runNative } from '../lib/native.js';
import { CODECS } from '../lib/native-answers.js';
import type { Figure, Scenario, ScenarioRow } from '../lib/scenario.js';

const MEMORY_BYTES = 64 * 2 ** 20;
/** Pages, their bases, and what they were encoded and decoded into. */
const MEMORIES = 4;
const CHANGED_BYTES = 64;
const MEMCPY = 'memcpy of the same pages';
const CONTENTS = {
  zero: 'zero pages',
  text: 'text',
  random: 'random bytes',
  // The bench itself: a Node.js process.
  process: 'pages of a Node.js process',
};
type Content = keyof typeof CONTENTS;

type Answer = NativeAnswer<'codec-bench'>;
type Codec = (typeof CODECS)[number];
type Figures = NonNullable<Answer['codecs'][Codec]>;

interface Kind extends Pick<ScenarioRow, 'title' | 'unit' | 'better' | 'baseline'> {
  readonly kind: string;
  /** Answers a figure, or why there is none. */
  of(figures: Figures): number | string;
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
    of: ({ decode }) => decode?.gbPerSecond ?? 'it made no block smaller: all go raw',
  },
  {
    kind: 'size',
    title: 'bytes out ÷ bytes in',
    unit: '×',
    better: 'lower',
    of: ({ outPerIn }) => outPerIn,
  },
];

const ZERO_CHECK: ScenarioRow = {
  key: 'codec-zero-check',
  title: `zero check: ${CONTENTS.zero}`,
  unit: 'GB/s',
  better: 'higher',
  baseline: 'reading the same memory',
};

const ENCODINGS: Readonly<Record<string, string>> = {
  'zstd-1': 'zstd level 1',
  'zstd-3': 'zstd level 3',
  'zstd-9': 'zstd level 9',
};

/** `zstd level 1, blocks of 16` for `zstd-1-x16`. */
function titleOf(codec: Codec): string {
  const [, encoding = '', pages] = /^(.+)-x(\d+)$/.exec(codec) ?? [];
  const blocks = pages === '1' ? 'single pages' : `blocks of ${pages}`;
  return `${ENCODINGS[encoding] ?? encoding}, ${blocks}`;
}

function figureOf(kind: Kind, codec: Codec, { codecs, memcpyGbPerSecond }: Answer): Figure {
  const details = codecs[codec];
  if (details === undefined) return { skipped: 'it was not asked for' };
  const measured = kind.of(details);
  if (typeof measured === 'string') return { skipped: measured };
  if (kind.baseline === undefined) return { measured };
  return { measured, baseline: memcpyGbPerSecond, details };
}

function codecScenario(content: Content): Scenario {
  const name = `codec-${content}`;
  const rows = CODECS.flatMap((codec) =>
    KINDS.map((kind) => ({ key: `${name}-${codec}-${kind.kind}`, kind, codec })),
  );
  // Of other pages it looks at the first bytes alone.
  const zeroCheck: readonly ScenarioRow[] = content === 'zero' ? [ZERO_CHECK] : [];
  return {
    name,
    neededBytes: MEMORIES * MEMORY_BYTES,
    sampleSeconds: 8,
    how: `A native program encodes 64 MiB of ${CONTENTS[content]} block by block with one thread, and decodes them into populated memory; median of three passes after one that does not count, or one pass that takes longer than a second. A block that a codec does not get below 95 % goes raw and counts with its full size; speeds are of the bytes that go in, blocks that were refused included. The deltas and xbzrle have beside them the same pages with ${CHANGED_BYTES} bytes of each changed, in words of 8 bytes at random places. Every decoded page is compared.`,
    rows: [
      ...zeroCheck,
      ...rows.map(({ key, kind, codec }) => {
        const { title, unit, better, baseline } = kind;
        return {
          key,
          title: `${titleOf(codec)}, ${title}: ${CONTENTS[content]}`,
          unit,
          better,
          baseline,
        };
      }),
    ],
    async sample({ signal }) {
      const memory = ['--bytes', MEMORY_BYTES, '--content', content, '--pid', process.pid];
      const args = [...memory, '--changed', CHANGED_BYTES];
      const sample = await runNative('codec-bench', args, { signal });
      const figures = rows.map(({ key, kind, codec }) => [key, figureOf(kind, codec, sample)]);
      const { zeroCheckGbPerSecond: measured, readGbPerSecond: baseline } = sample;
      const checked = zeroCheck.map(({ key }) => [key, { measured, baseline }]);
      return { rows: Object.fromEntries([...checked, ...figures]) };
    },
  };
}

export const codecScenarios = (Object.keys(CONTENTS) as Content[]).map(codecScenario);
