// Runs scenarios and makes rows of their samples.
import { availableMemoryBytes } from './environment.mjs';
import { summarize } from './statistics.mjs';

/** What must stay free for everything that is not a guest. */
const RESERVE_BYTES = 2 ** 30;

function meets(target, median) {
  if (target.atLeast !== undefined) return median >= target.atLeast;
  if (target.below !== undefined) return median < target.below;
  return median <= target.atMost;
}

/** One row of the result from all samples of it. */
function summarizeRow(row, samples) {
  const measured = summarize(samples.map((sample) => sample.measured));
  const baseline =
    row.baseline === undefined
      ? null
      : { name: row.baseline, ...summarize(samples.map((sample) => sample.baseline)) };
  const ratio =
    baseline === null
      ? null
      : summarize(samples.map((sample) => sample.measured / sample.baseline));
  const target = row.target ?? null;
  return {
    key: row.key,
    title: row.title,
    unit: row.unit,
    status: 'measured',
    measured,
    baseline,
    ratio,
    target,
    met: target === null ? null : meets(target, { measured, ratio }[target.figure].median),
    details: samples.map((sample) => sample.details ?? null),
  };
}

function withoutFigures(row, status, reason) {
  const { key, title, unit, target = null } = row;
  return { key, title, unit, status, reason, target, met: null };
}

async function takeSamples(scenario, repetitions, log) {
  log(`${scenario.name}: warming up`);
  await scenario.sample(0);
  const samples = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const sample = await scenario.sample(repetition);
    samples.push(sample);
    const figures = scenario.rows.map(({ key, unit }) => {
      const { measured, baseline } = sample[key];
      const beside = baseline === undefined ? '' : ` beside ${baseline.toPrecision(3)}`;
      return `${key} ${measured.toPrecision(3)}${beside} ${unit}`;
    });
    log(`${scenario.name}: ${repetition + 1} of ${repetitions}: ${figures.join(', ')}`);
  }
  return samples;
}

/**
 * Runs one scenario: a first sample that does not count, then the repetitions. Never throws: a row that
 * could not be measured says why.
 */
export async function runScenario(scenario, repetitions, log) {
  const needed = scenario.neededBytes + RESERVE_BYTES;
  const available = availableMemoryBytes();
  if (available < needed) {
    const gib = (bytes) => (bytes / 2 ** 30).toFixed(1);
    const reason = `needs ${gib(needed)} GiB of free memory, ${gib(available)} GiB are free`;
    log(`${scenario.name}: skipped: ${reason}`);
    return scenario.rows.map((row) => withoutFigures(row, 'skipped', reason));
  }
  try {
    const samples = await takeSamples(scenario, repetitions, log);
    return scenario.rows.map((row) =>
      summarizeRow(
        row,
        samples.map((sample) => sample[row.key]),
      ),
    );
  } catch (error) {
    log(`${scenario.name}: failed: ${error.message}`);
    return scenario.rows.map((row) => withoutFigures(row, 'failed', error.message));
  }
}
