// One migration with everything about it chosen: what scenario files and the suite of strategies are made
// of.
import { recordOf } from '../lib/migration-record.mjs';
import { runNative } from '../lib/native.mjs';
import { migrateOnce } from '../lib/pair.mjs';

const PAGE_BYTES = 4096;
const OBSERVE_MS = 300;
/** Enough for a rate, and over in a tenth of a second. */
const STREAM_BYTES = 256 * 2 ** 20;
const WRITES_PER_MARK = 64;

/** Bytes per second of the link: its rate or rate limit, or what a plain send/recv gets just now. */
async function rateOf(link, bandwidth, signal) {
  const rates = [link?.rateBytesPerSecond ?? 0, bandwidth].filter((rate) => rate > 0);
  if (rates.length > 0) return Math.min(...rates);
  const args = ['--bytes', STREAM_BYTES, '--congestion', 'cubic'];
  const { bytes, seconds } = await runNative('tcp-stream', args, { signal });
  return bytes / seconds;
}

/** The guest's writes: as many pages per second as `dirtyRatio` of the link carries, where that is given. */
function writesOf({ workload, writesPerSecond, dirtyRatio }, rate) {
  // To the engine no limit and no writes look alike: a guest that writes nothing is an idle one.
  if (dirtyRatio === 0) return { workload: 'idle' };
  const paced = dirtyRatio === undefined ? writesPerSecond : (dirtyRatio * rate) / PAGE_BYTES;
  if (paced === undefined) return { workload };
  return { workload, writesPerSecond: Math.max(1, Math.round(paced)) };
}

function given(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function optionsOf(wanted, rate) {
  const { memory, workingSet, fill, strategy, bandwidth, channels, codec, tracker, mark } = wanted;
  return {
    guest: {
      kind: 'workload',
      options: {
        ...writesOf(wanted, rate),
        memoryBytes: memory,
        fill,
        operationsPerMark: mark ?? WRITES_PER_MARK,
        ...given({ workingSetBytes: workingSet }),
      },
    },
    source: {
      strategy,
      bandwidthBytesPerSecond: bandwidth,
      codec,
      observeMs: OBSERVE_MS,
      ...given({ channels, tracker }),
    },
    destination: { prepare: true },
  };
}

/**
 * Migrates once as wanted (the fields of a scenario file, parsed) and answers the report and the record
 * of it. The first repetition keeps a time line.
 */
export async function migrateAsWanted(label, wanted, { signal, link, repetition, warmUp }) {
  const { bandwidth = 0, dirtyRatio = null } = wanted;
  const between = wanted.link ?? link;
  const rate = dirtyRatio === null ? null : await rateOf(between, bandwidth, signal);
  const options = optionsOf({ ...wanted, bandwidth }, rate);
  const timeline = repetition === 0 && !warmUp;
  const run = await migrateOnce({ ...options, signal, link: between, timeline });
  const limits = [between?.rateBytesPerSecond ?? 0, bandwidth].filter((limit) => limit > 0);
  const linkBytesPerSecond = limits.length > 0 ? Math.min(...limits) : null;
  const rttMs = between?.rttMs ?? null;
  const record = recordOf(label, options, run, { linkBytesPerSecond, dirtyRatio, rttMs });
  return { report: run.report, record };
}

/** Null for a guest that set no two marks, such as an idle one. */
function longestGap({ guest }) {
  return guest.longestGapMs > 0 ? guest.longestGapMs : null;
}

function figureOf(value) {
  return value === null ? { skipped: 'the guest set no two marks' } : { measured: value };
}

/** The figures that every strategy can be compared by. */
export const MIGRATION_ROWS = {
  total: { title: 'total migration time', unit: 'ms', of: ({ totalMs }) => totalMs },
  downtime: { title: 'downtime', unit: 'ms', of: ({ downtimeMs }) => downtimeMs },
  gap: { title: 'longest gap between marks', unit: 'ms', of: longestGap },
  wire: { title: 'sent', unit: 'MB', of: ({ wireBytes }) => wireBytes / 1e6 },
};

/** The rows' heads for one migration; keys begin with `prefix`. */
export function migrationRows(prefix, title) {
  return Object.entries(MIGRATION_ROWS).map(([key, row]) => ({
    key: `${prefix}-${key}`,
    title: `${title}: ${row.title}`,
    unit: row.unit,
    better: 'lower',
  }));
}

export function migrationFigures(prefix, report) {
  return Object.fromEntries(
    Object.entries(MIGRATION_ROWS).map(([key, row]) => [
      `${prefix}-${key}`,
      figureOf(row.of(report)),
    ]),
  );
}

export function migrationScenario(wanted) {
  const { name, strategy, memory } = wanted;
  return {
    name,
    neededBytes: 2 * memory,
    how: `One migration by ${strategy} in two fresh processes, destination populated before; the guest is watched for ${OBSERVE_MS} ms before and after. With a dirty ratio the guest writes that share of what the link carries in pages; of a link without a limit that is what a plain send/recv gets right before.`,
    rows: migrationRows(name, name),
    async sample(context) {
      const { report, record } = await migrateAsWanted(name, wanted, context);
      return { rows: migrationFigures(name, report), migrations: [record] };
    },
  };
}
