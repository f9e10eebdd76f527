// Every sample of a result as a row of its own, with all that it was taken under beside it: tidy data.
import { splitKey } from '../report/strategy-names.js';
import type { MeasuredRow, Migration, Result } from '../result/schema.js';

type Kind = 'text' | 'number' | 'whole' | 'boolean';

/** The columns, in their order. Null where a sample has nothing for it. */
export const COLUMNS = {
  suite: 'text',
  scenario: 'text',
  strategy: 'text',
  figure: 'text',
  title: 'text',
  unit: 'text',
  better: 'text',
  repetition: 'whole',
  value: 'number',
  baseline: 'text',
  baseline_value: 'number',
  engine: 'text',
  memory_bytes: 'whole',
  working_set_bytes: 'whole',
  link_bytes_per_second: 'number',
  rtt_ms: 'number',
  dirty_ratio: 'number',
  workload: 'text',
  fill: 'text',
  tracker: 'text',
  stolen_share: 'number',
  started_at: 'text',
  command: 'text',
  commit: 'text',
  modified: 'boolean',
  kernel: 'text',
  cpu: 'text',
  cores: 'whole',
  host_memory_bytes: 'whole',
  node: 'text',
  quiet: 'boolean',
} as const satisfies Readonly<Record<string, Kind>>;

export type ColumnName = keyof typeof COLUMNS;
export type Sample = Readonly<Record<ColumnName, string | number | boolean | null>>;

export const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[];

function textOr(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOr(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** What all columns of a result's samples have in common. */
function runColumns({ suite, startedAt, command, environment }: Result) {
  const { commit, modified, kernel, cpu, cores, memoryBytes, node, quiet } = environment;
  return {
    suite,
    started_at: startedAt,
    command,
    commit,
    modified,
    kernel,
    cpu,
    cores,
    host_memory_bytes: memoryBytes,
    node,
    quiet,
  };
}

const NO_PARAMETERS = {
  engine: null,
  memory_bytes: null,
  working_set_bytes: null,
  link_bytes_per_second: null,
  rtt_ms: null,
  dirty_ratio: null,
  workload: null,
  fill: null,
  tracker: null,
};

function parameterColumns({ parameters: p, report }: Migration): typeof NO_PARAMETERS | object {
  return {
    engine: p.engine,
    memory_bytes: p.memoryBytes,
    working_set_bytes: p.workingSetBytes,
    link_bytes_per_second: p.linkBytesPerSecond,
    rtt_ms: numberOr(p['rttMs']),
    dirty_ratio: p.dirtyRatio,
    workload: textOr(p['workload']),
    fill: p.fill,
    tracker: textOr(p['tracker']) ?? textOr(report?.['tracker']),
  };
}

/**
 * The migration that a row's sample is of. Null where the scenario made none in this repetition, or several that the row's key
 * does not tell apart: then nothing is known of its parameters.
 */
function migrationOf(
  migrations: readonly Migration[],
  { scenario, key }: MeasuredRow,
  repetition: number,
): Migration | null {
  const { strategy } = splitKey(key);
  const own = migrations.filter(
    (one) => one.scenario === scenario && one.repetition === repetition,
  );
  const ofStrategy = own.filter(({ parameters }) => parameters.strategy === strategy);
  const candidates = strategy === null || ofStrategy.length === 0 ? own : ofStrategy;
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}

function samplesOfRow(result: Result, row: MeasuredRow): Sample[] {
  const { scenario, key, title, unit, better, measured, baseline } = row;
  const { strategy, figure } = splitKey(key);
  return measured.samples.map((value, repetition) => {
    const migration = migrationOf(result.migrations, row, repetition);
    const stolen = result.stolen.find(
      (one) => one.scenario === scenario && one.repetition === repetition,
    );
    return {
      ...runColumns(result),
      ...NO_PARAMETERS,
      ...(migration === null ? {} : parameterColumns(migration)),
      scenario,
      strategy: strategy ?? migration?.parameters.strategy ?? null,
      figure,
      title,
      unit,
      better,
      repetition,
      value,
      baseline: baseline?.name ?? null,
      baseline_value: baseline?.samples[repetition] ?? null,
      stolen_share: stolen?.share ?? null,
    };
  });
}

/** In the order of the result's rows; rows without figures have no samples. */
export function samplesOf(result: Result): Sample[] {
  return result.rows.flatMap((row) => (row.status === 'measured' ? samplesOfRow(result, row) : []));
}
