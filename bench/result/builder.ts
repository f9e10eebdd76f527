// Makes a result of samples, one after the other; at any moment it can be written, and a result that
// was written can be continued.
import {
  isSkipped,
  type Sample,
  type SampledDistribution,
  type Scenario,
  type ScenarioRow,
  type Skipped,
} from '../lib/scenario.js';
import { summarize } from '../lib/statistics.js';
import type { Compared } from '../lib/verification.js';
import type {
  Buckets,
  ComparedGuest,
  Distribution,
  MeasuredRow,
  Migration,
  Result,
  Row,
  Spread,
  Stolen,
  Target,
  UnmeasuredStatus,
} from './schema.js';

/** What is known before anything is measured. */
export type ResultHead = Omit<
  Result,
  'rows' | 'migrations' | 'distributions' | 'stolen' | 'compared'
>;

/** A figure that is one, and the baseline that its row promises. */
interface CheckedFigure {
  readonly measured: number;
  readonly baseline: number | null;
  readonly details: unknown;
}

/** What is known of a sample beside its figures. */
export interface Meanwhile {
  /** Of the processors' time, what the host withheld. */
  readonly stolenShare: number;
  /** Each guest that arrived. */
  readonly compared: readonly Compared[];
}

interface ScenarioState {
  /** Samples that count. */
  readonly taken: number;
  /** As many of each row, by its key. */
  readonly rows: ReadonlyMap<string, readonly (CheckedFigure | Skipped)[]>;
  /** Why there is nothing. */
  readonly ended?: { readonly status: UnmeasuredStatus; readonly reason: string };
}

const NOTHING_YET: ScenarioState = { taken: 0, rows: new Map() };

function meets({ atLeast, below, atMost }: Target, median: number): boolean {
  if (atLeast !== undefined) return median >= atLeast;
  if (below !== undefined) return median < below;
  return atMost !== undefined && median <= atMost;
}

function rowHead(scenario: string, row: ScenarioRow) {
  const { key, title, unit, better } = row;
  return { scenario, key, title, unit, better, target: row.target ?? null, met: null };
}

function isMet(target: Target | null, measured: Spread, ratio: Spread | null): boolean | null {
  const judged = target?.figure === 'ratio' ? ratio : measured;
  return target === null || judged === null ? null : meets(target, judged.median);
}

function nameOf(baseline: string | (() => string)): string {
  return typeof baseline === 'string' ? baseline : baseline();
}

/** One row of the result from all samples of it, at least one. */
function measuredRow(
  scenario: string,
  row: ScenarioRow,
  samples: readonly CheckedFigure[],
): MeasuredRow {
  const measured = summarize(samples.map((sample) => sample.measured));
  const beside = samples.flatMap(({ measured: figure, baseline }) =>
    baseline === null ? [] : [{ baseline, ratio: figure / baseline }],
  );
  const baseline =
    row.baseline === undefined
      ? null
      : { name: nameOf(row.baseline), ...summarize(beside.map((one) => one.baseline)) };
  const ratio = row.baseline === undefined ? null : summarize(beside.map((one) => one.ratio));
  const head = rowHead(scenario, row);
  const met = isMet(head.target, measured, ratio);
  const details = samples.map((sample) => sample.details);
  return { ...head, status: 'measured', measured, baseline, ratio, met, details };
}

/** The samples that a written row was made of. */
function samplesOf({ measured, baseline, details }: MeasuredRow): CheckedFigure[] {
  return measured.samples.map((figure, i) => ({
    measured: figure,
    baseline: baseline?.samples[i] ?? null,
    details: details[i] ?? null,
  }));
}

/** Adds the counts of two histograms. */
export function mergeBuckets(a: Buckets, b: Buckets): Buckets {
  const counts = new Map(a);
  for (const [bound, count] of b) counts.set(bound, (counts.get(bound) ?? 0) + count);
  return [...counts].sort(([x], [y]) => x - y);
}

function mergeDistribution(into: Distribution, { series }: SampledDistribution): void {
  for (const { label, buckets } of series) {
    const known = into.series.find((one) => one.label === label);
    if (known === undefined) into.series.push({ label, buckets });
    else known.buckets = mergeBuckets(known.buckets, buckets);
  }
}

function isFigure(value: number | null | undefined): value is number {
  return Number.isFinite(value);
}

/** Throws when the sample lacks the row, or a figure is none. */
function checkedFigure(
  { key, baseline: name }: ScenarioRow,
  sample: Sample,
): CheckedFigure | Skipped {
  const got = sample.rows[key];
  if (got === undefined) throw new Error(`the sample has no row '${key}'`);
  if (isSkipped(got)) return got;
  const { measured, baseline, details = null } = got;
  if (isFigure(measured) && baseline !== 0) {
    if (name === undefined) return { measured, baseline: null, details };
    if (isFigure(baseline)) return { measured, baseline, details };
  }
  const figures = name === undefined ? [measured] : [measured, baseline];
  throw new Error(`row '${key}' came out as ${figures.map(String).join(' beside ')}`);
}

export class ResultBuilder {
  #head: ResultHead;
  readonly #scenarios: readonly Scenario[];
  /** By the scenarios' names. */
  readonly #states = new Map<string, ScenarioState>();
  #migrations: Migration[] = [];
  #distributions: Distribution[] = [];
  #stolen: Stolen[] = [];
  #compared: ComparedGuest[] = [];

  /** `previous` is a result to go on with: same scenarios, same repetitions. */
  constructor(head: ResultHead, scenarios: readonly Scenario[], previous?: Result) {
    this.#head = head;
    this.#scenarios = scenarios;
    if (previous !== undefined) this.#goOnFrom(previous);
  }

  /** Samples of this scenario that count. */
  taken(scenario: Scenario): number {
    return this.#stateOf(scenario).taken;
  }

  /** Throws when the sample lacks a row or a figure is none. */
  add(
    scenario: Scenario,
    repetition: number,
    sample: Sample,
    { stolenShare, compared }: Meanwhile,
  ): void {
    const state = this.#stateOf(scenario);
    const rows = scenario.rows.map(
      (row) => [row.key, [...(state.rows.get(row.key) ?? []), checkedFigure(row, sample)]] as const,
    );
    this.#states.set(scenario.name, { taken: state.taken + 1, rows: new Map(rows) });
    this.#stolen.push({ scenario: scenario.name, repetition, share: stolenShare });
    for (const one of compared) {
      this.#compared.push({ scenario: scenario.name, repetition, ...one });
    }
    for (const migration of sample.migrations ?? []) {
      this.#migrations.push({ scenario: scenario.name, repetition, ...migration });
    }
    for (const distribution of sample.distributions ?? []) {
      this.#addDistribution({ scenario: scenario.name, ...distribution });
    }
  }

  /** The scenario's rows say why there are no figures. */
  giveUp({ name }: Scenario, status: UnmeasuredStatus, reason: string): void {
    this.#states.set(name, { ...NOTHING_YET, ended: { status, reason } });
    this.#migrations = this.#migrations.filter(({ scenario }) => scenario !== name);
    this.#distributions = this.#distributions.filter(({ scenario }) => scenario !== name);
    this.#stolen = this.#stolen.filter(({ scenario }) => scenario !== name);
    this.#compared = this.#compared.filter(({ scenario }) => scenario !== name);
  }

  finish(): void {
    this.#head = { ...this.#head, finishedAt: new Date().toISOString() };
  }

  get failed(): boolean {
    return [...this.#states.values()].some(({ ended }) => ended?.status === 'failed');
  }

  result(): Result {
    return {
      ...this.#head,
      rows: this.#scenarios.flatMap((scenario) => this.#rowsOf(scenario)),
      migrations: this.#migrations,
      distributions: this.#distributions,
      stolen: this.#stolen,
      compared: this.#compared,
    };
  }

  #stateOf({ name }: Scenario): ScenarioState {
    return this.#states.get(name) ?? NOTHING_YET;
  }

  #rowsOf(scenario: Scenario): Row[] {
    const { ended, taken, rows } = this.#stateOf(scenario);
    if (ended !== undefined) {
      return scenario.rows.map((row) => ({ ...rowHead(scenario.name, row), ...ended }));
    }
    if (taken === 0) return [];
    return scenario.rows.map((row) => {
      const samples = rows.get(row.key) ?? [];
      const without = samples.find(isSkipped);
      if (without !== undefined) {
        return { ...rowHead(scenario.name, row), status: 'skipped', reason: without.skipped };
      }
      const figures = samples.flatMap((sample) => (isSkipped(sample) ? [] : [sample]));
      return measuredRow(scenario.name, row, figures);
    });
  }

  #addDistribution(distribution: Distribution): void {
    const { scenario, key } = distribution;
    const known = this.#distributions.find((one) => one.scenario === scenario && one.key === key);
    if (known === undefined) this.#distributions.push(structuredClone(distribution));
    else mergeDistribution(known, distribution);
  }

  /** Scenarios that were measured, wholly or in part. Those that failed or were skipped start anew. */
  #goOnFrom(previous: Result): void {
    for (const scenario of this.#scenarios) {
      const rows = previous.rows.filter((row) => row.scenario === scenario.name);
      const first = rows.find((row) => row.status === 'measured');
      if (first === undefined || rows.length !== scenario.rows.length) continue;
      const taken = first.measured.samples.length;
      const samples = rows.map(
        (row) =>
          [
            row.key,
            row.status === 'measured'
              ? samplesOf(row)
              : Array.from({ length: taken }, () => ({ skipped: row.reason })),
          ] as const,
      );
      this.#states.set(scenario.name, { taken, rows: new Map(samples) });
    }
    const kept = ({ scenario }: { readonly scenario: string }) =>
      (this.#states.get(scenario)?.taken ?? 0) > 0;
    this.#migrations = previous.migrations.filter(kept);
    this.#distributions = structuredClone(previous.distributions.filter(kept));
    this.#stolen = previous.stolen.filter(kept);
    this.#compared = previous.compared.filter(kept);
  }
}
