// Makes a result of samples, one after the other; at any moment it can be written, and a result that
// was written can be continued.
import { summarize } from '../lib/statistics.mjs';

function meets(target, median) {
  if (target.atLeast !== undefined) return median >= target.atLeast;
  if (target.below !== undefined) return median < target.below;
  return median <= target.atMost;
}

function rowHead(scenario, { key, title, unit, better, target = null }) {
  return { scenario, key, title, unit, better, target, met: null };
}

/** One row of the result from all samples of it, at least one. */
function measuredRow(scenario, row, samples) {
  const measured = summarize(samples.map((sample) => sample.measured));
  const hasBaseline = row.baseline !== undefined;
  const baseline = hasBaseline
    ? { name: row.baseline, ...summarize(samples.map((sample) => sample.baseline)) }
    : null;
  const ratio = hasBaseline
    ? summarize(samples.map((sample) => sample.measured / sample.baseline))
    : null;
  const head = rowHead(scenario, row);
  const met =
    head.target === null
      ? null
      : meets(head.target, { measured, ratio }[head.target.figure].median);
  const details = samples.map((sample) => sample.details ?? null);
  return { ...head, status: 'measured', measured, baseline, ratio, met, details };
}

/** The samples that a written row was made of. */
function samplesOf(row) {
  return row.measured.samples.map((measured, i) => ({
    measured,
    ...(row.baseline === null ? {} : { baseline: row.baseline.samples[i] }),
    details: row.details[i],
  }));
}

/** Adds the counts of two histograms, each [[upper bound, count], …] ascending. */
export function mergeBuckets(a, b) {
  const counts = new Map(a);
  for (const [bound, count] of b) counts.set(bound, (counts.get(bound) ?? 0) + count);
  return [...counts].sort(([x], [y]) => x - y);
}

function mergeDistribution(into, { series }) {
  for (const { label, buckets } of series) {
    const known = into.series.find((one) => one.label === label);
    if (known === undefined) into.series.push({ label, buckets });
    else known.buckets = mergeBuckets(known.buckets, buckets);
  }
}

function checkSample(scenario, sample) {
  for (const { key, baseline } of scenario.rows) {
    const got = sample.rows[key];
    if (got === undefined) throw new Error(`the sample has no row '${key}'`);
    if (got.skipped !== undefined) continue;
    const figures = baseline === undefined ? [got.measured] : [got.measured, got.baseline];
    if (!figures.every(Number.isFinite) || got.baseline === 0) {
      throw new Error(`row '${key}' came out as ${figures.join(' beside ')}`);
    }
  }
}

export class ResultBuilder {
  #head;
  #scenarios;
  /** By scenario name: { samples: by row key, taken, skipped?, failed? }. */
  #states = new Map();
  #migrations = [];
  #distributions = [];
  #stolen = [];

  /** `previous` is a result to go on with: same scenarios, same repetitions. */
  constructor(head, scenarios, previous) {
    this.#head = head;
    this.#scenarios = scenarios;
    for (const { name } of scenarios) this.#states.set(name, { taken: 0, rows: new Map() });
    if (previous !== undefined) this.#goOnFrom(previous);
  }

  /** Samples of this scenario that count. */
  taken({ name }) {
    return this.#states.get(name).taken;
  }

  /**
   * Throws when the sample lacks a row or a figure is none. `stolenShare`: of the processors' time meanwhile,
   * what the host withheld.
   */
  add(scenario, repetition, sample, stolenShare = 0) {
    checkSample(scenario, sample);
    const state = this.#states.get(scenario.name);
    for (const { key } of scenario.rows) {
      const samples = state.rows.get(key) ?? [];
      state.rows.set(key, [...samples, sample.rows[key]]);
    }
    state.taken += 1;
    this.#stolen.push({ scenario: scenario.name, repetition, share: stolenShare });
    for (const migration of sample.migrations ?? []) {
      this.#migrations.push({ scenario: scenario.name, repetition, ...migration });
    }
    for (const distribution of sample.distributions ?? []) {
      this.#addDistribution({ scenario: scenario.name, ...distribution });
    }
  }

  /** The scenario's rows say why there are no figures. */
  giveUp({ name }, status, reason) {
    this.#states.set(name, { taken: 0, rows: new Map(), ended: { status, reason } });
    this.#migrations = this.#migrations.filter(({ scenario }) => scenario !== name);
    this.#distributions = this.#distributions.filter(({ scenario }) => scenario !== name);
    this.#stolen = this.#stolen.filter(({ scenario }) => scenario !== name);
  }

  finish() {
    this.#head = { ...this.#head, finishedAt: new Date().toISOString() };
  }

  get failed() {
    return [...this.#states.values()].some(({ ended }) => ended?.status === 'failed');
  }

  result() {
    return {
      ...this.#head,
      rows: this.#scenarios.flatMap((scenario) => this.#rowsOf(scenario)),
      migrations: this.#migrations,
      distributions: this.#distributions,
      stolen: this.#stolen,
    };
  }

  #rowsOf(scenario) {
    const { ended, taken, rows } = this.#states.get(scenario.name);
    if (ended !== undefined) {
      return scenario.rows.map((row) => ({ ...rowHead(scenario.name, row), ...ended }));
    }
    if (taken === 0) return [];
    return scenario.rows.map((row) => {
      const samples = rows.get(row.key);
      const without = samples.find(({ skipped }) => skipped !== undefined);
      return without === undefined
        ? measuredRow(scenario.name, row, samples)
        : { ...rowHead(scenario.name, row), status: 'skipped', reason: without.skipped };
    });
  }

  #addDistribution(distribution) {
    const { scenario, key } = distribution;
    const known = this.#distributions.find((one) => one.scenario === scenario && one.key === key);
    if (known === undefined) this.#distributions.push(structuredClone(distribution));
    else mergeDistribution(known, distribution);
  }

  /** Scenarios that were measured, wholly or in part. Those that failed or were skipped start anew. */
  #goOnFrom(previous) {
    for (const scenario of this.#scenarios) {
      const rows = previous.rows.filter((row) => row.scenario === scenario.name);
      const measured = rows.filter(({ status }) => status === 'measured');
      if (measured.length === 0 || rows.length !== scenario.rows.length) continue;
      const taken = measured[0].measured.samples.length;
      const samples = rows.map((row) => [
        row.key,
        row.status === 'measured'
          ? samplesOf(row)
          : Array.from({ length: taken }, () => ({ skipped: row.reason })),
      ]);
      this.#states.set(scenario.name, { taken, rows: new Map(samples) });
    }
    const kept = ({ scenario }) => (this.#states.get(scenario)?.taken ?? 0) > 0;
    this.#migrations = previous.migrations.filter(kept);
    this.#distributions = structuredClone(previous.distributions.filter(kept));
    this.#stolen = previous.stolen.filter(kept);
  }
}
