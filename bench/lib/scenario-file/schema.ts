// One migration of a scenario file: this schema gives the type, the errors, and the table of README.md.
import * as v from 'valibot';
import { parseFill, parseWorkload, parseWriteBytes } from '#engine/cli/options.js';
import { COMPRESSIONS, STRATEGY_NAMES, type StrategyName, TRACKER_KINDS } from '#engine/index.js';
import { SOURCE_FIELDS } from '#engine/options/source-fields.js';
import { ALTERNATIVES } from '#engine/policy/convergence.js';
import { parseCount, parseDuration, parsePages, parseRate } from '#engine/units.js';
import { errorOf } from '../errors.js';
import { netnsLink, relayLink } from '../options.js';

/** A strategy of the engine, or the path of a module that exports one. */
export type NamedStrategy = StrategyName | { readonly path: string };

const MOST_THREADS = 256;
const NAME = /^[a-z0-9][a-z0-9.-]*$/;

/** Text that a parser of the command line reads; what the parser throws is the reason. */
function parsed<Value>(parse: (text: string) => Value) {
  return v.pipe(
    v.union([v.string(), v.number()]),
    v.rawTransform<string | number, Value>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(String(dataset.value));
      } catch (error) {
        addIssue({ message: errorOf(error).message });
        return NEVER;
      }
    }),
  );
}

const count = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  parsed((text) => parseCount(text, least, most));

function parseStrategy(text: string): NamedStrategy {
  const name = STRATEGY_NAMES.find((known) => known === text);
  if (name !== undefined) return name;
  if (/\.m?js$/.test(text)) return { path: text };
  throw new Error(
    `expected ${STRATEGY_NAMES.join(', ')}, all, or a module such as ./own.mjs, not '${text}'`,
  );
}

function parseBudget(text: string): number {
  const ms = parseDuration(text);
  if (ms <= SOURCE_FIELDS.downtimeBudgetMs.most) return ms;
  throw new Error(`expected at most 24 hours, not '${text}'`);
}

const { channels, maxRounds } = SOURCE_FIELDS;

/** What a field is. `without` says what its absence means, where no default says so. */
function described<Schema extends v.GenericSchema>(schema: Schema, is: string, without = '') {
  return v.pipe(schema, v.description(is), v.metadata({ without }));
}

const name = v.pipe(v.string(), v.regex(NAME, 'expected a name such as small-hybrid'));

const fields = {
  name: described(name, 'of the scenario: small letters, digits, `-` and `.`'),
  memory: v.optional(
    described(
      parsed(parsePages),
      "the guest's, whole pages",
      'required; of an image what it needs',
    ),
  ),
  strategy: described(
    parsed(parseStrategy),
    '`stop-and-copy`, `pre-copy`, `post-copy`, `hybrid`, `all` of these, or a module of your own, such as `./own.mjs`, which exports a `strategy`',
  ),
  workload: v.optional(
    described(
      parsed(parseWorkload),
      'what runs on it (`pageferry demo --help` lists them), `trace:FILE`, or `snapshots` of the image that is its fill: these have their own speed, pages and thread, so `workingSet`, `writesPerSecond`, `dirtyRatio` and `threads` do not go with it',
    ),
    'sequential',
  ),
  workingSet: v.optional(
    described(parsed(parsePages), 'how much of the memory it writes', 'all of it'),
  ),
  writesPerSecond: v.optional(described(count(1, 1e9), 'page writes, or …', 'as many as it can')),
  dirtyRatio: v.optional(
    described(
      v.pipe(v.number(), v.minValue(0), v.maxValue(100)),
      '… pages written per second × page size ÷ bytes per second that the link carries',
      '`writesPerSecond` says it',
    ),
  ),
  writeBytes: v.optional(
    described(parsed(parseWriteBytes), 'bytes that a page write changes, 8 to 4096'),
    64,
  ),
  threads: v.optional(described(count(1, MOST_THREADS), 'guest threads, 1 to 256', '1')),
  seed: v.optional(described(count(0), 'what the guest does follows from it'), 1),
  fill: v.optional(
    described(
      parsed(parseFill),
      '`zero`, `text`, `random`, `file:PATH`, `pid:PID` or `image:FILE`',
    ),
    'random',
  ),
  bandwidth: v.optional(described(parsed(parseRate), "the engine's own rate limit"), 'unlimited'),
  downtimeBudget: v.optional(
    described(parsed(parseBudget), 'the longest downtime that pre-copy accepts'),
    `${SOURCE_FIELDS.downtimeBudgetMs.default}ms`,
  ),
  maxRounds: v.optional(
    described(count(maxRounds.least, maxRounds.most), "pre-copy's most rounds"),
    maxRounds.default,
  ),
  ifNotConverging: v.optional(
    described(v.picklist(ALTERNATIVES), 'what pre-copy does then: `stop-and-copy` or `post-copy`'),
    SOURCE_FIELDS.otherwise.default,
  ),
  channels: v.optional(
    described(
      count(channels.least, channels.most),
      'page channels, 1 to 64',
      "the engine's choice",
    ),
  ),
  compression: v.optional(
    described(
      v.picklist(COMPRESSIONS),
      '`auto`, `raw`, `lz4`, `zstd`, `wkdm`, `mecom` or `xbzrle`',
    ),
    'raw',
  ),
  tracker: v.optional(
    described(
      v.picklist(TRACKER_KINDS),
      '`uffd-wp-async`, `uffd-wp-sync` or `mprotect`',
      'the best one there is',
    ),
  ),
  rtt: v.optional(
    described(parsed(relayLink), 'a link with this round-trip time, or …', 'loopback'),
  ),
  netns: v.optional(
    described(
      parsed(netnsLink),
      '… a link between two network namespaces, of this rate',
      'loopback',
    ),
  ),
};

const PACED = ['workingSet', 'writesPerSecond', 'dirtyRatio', 'threads'] as const;

/** Of one case: no field is a list any more. */
export const migration = v.pipe(
  v.strictObject(fields),
  v.forward(
    v.partialCheck(
      [['memory'], ['workingSet']],
      ({ memory = Number.POSITIVE_INFINITY, workingSet = 0 }) => workingSet <= memory,
      'expected no more than the memory',
    ),
    ['workingSet'],
  ),
  v.forward(
    v.partialCheck(
      [['writesPerSecond'], ['dirtyRatio']],
      ({ writesPerSecond, dirtyRatio }) =>
        writesPerSecond === undefined || dirtyRatio === undefined,
      'expected either this or writesPerSecond',
    ),
    ['dirtyRatio'],
  ),
  v.forward(
    v.partialCheck(
      [['workload'], ['workingSet'], ['writesPerSecond'], ['dirtyRatio'], ['threads']],
      ({ workload, ...paced }) =>
        typeof workload === 'string' || PACED.every((field) => paced[field] === undefined),
      `a trace and snapshots say themselves what is written: leave ${PACED.join(', ')} out`,
    ),
    ['workload'],
  ),
  v.forward(
    v.partialCheck(
      [['workload'], ['fill']],
      ({ workload, fill }) =>
        typeof workload === 'string' || workload.kind !== 'snapshots' || fill.kind === 'image',
      'snapshots are those of an image: give fill image:FILE',
    ),
    ['workload'],
  ),
  v.forward(
    v.partialCheck(
      [['memory'], ['fill']],
      ({ memory, fill }) => memory !== undefined || fill.kind === 'image',
      'expected one, because the fill is no image',
    ),
    ['memory'],
  ),
  v.forward(
    v.partialCheck(
      [['rtt'], ['netns']],
      ({ rtt, netns }) => rtt === undefined || netns === undefined,
      'expected either this or rtt',
    ),
    ['netns'],
  ),
);

export type Migration = v.InferOutput<typeof migration>;

function without(schema: (typeof fields)[keyof typeof fields]): string {
  if (schema.type !== 'optional') return 'required';
  const { without: said } = v.getMetadata(schema.wrapped);
  return said === '' ? `\`${schema.default}\`` : `${said}`;
}

/** The table of README.md. */
export function fieldTable(): string {
  const rows = Object.entries(fields).map(([field, schema]) => {
    const is = v.getDescription(schema.type === 'optional' ? schema.wrapped : schema);
    return `| \`${field}\` | ${is} | ${without(schema)} |`;
  });
  return ['| field | is | without it |', '| --- | --- | --- |', ...rows].join('\n');
}
