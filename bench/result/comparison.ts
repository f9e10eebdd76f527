// What changed between two results. Pure.

/** Fields of the environment that make figures incomparable where they differ. */
const MACHINE = { cpu: 'CPU', cores: 'number of cores', memoryBytes: 'memory', kernel: 'kernel' };

function overlap(a, b) {
  return a.min <= b.max && b.min <= a.max;
}

/** 'same' when the spread can show no difference; otherwise by what the row counts as better. */
function verdictOf(better, a, b) {
  if (overlap(a, b)) return 'same';
  return b.median > a.median === (better === 'higher') ? 'better' : 'worse';
}

function spreadOf({ median, min, max }) {
  return { median, min, max };
}

function compareRows(rowA, rowB) {
  const { scenario, key, title, unit, better } = rowB;
  const head = { scenario, key, title, unit, better };
  for (const [side, row] of [
    ['A', rowA],
    ['B', rowB],
  ]) {
    if (row.status !== 'measured') {
      return {
        ...head,
        verdict: 'incomparable',
        reason: `${row.status} in ${side}: ${row.reason}`,
      };
    }
  }
  if (rowA.unit !== unit) {
    return { ...head, verdict: 'incomparable', reason: `in ${rowA.unit} in A` };
  }
  const [a, b] = [spreadOf(rowA.measured), spreadOf(rowB.measured)];
  const ratio = a.median === 0 ? null : b.median / a.median;
  return { ...head, a, b, ratio, overlap: overlap(a, b), verdict: verdictOf(better, a, b) };
}

function machineWarnings(a, b) {
  return Object.entries(MACHINE)
    .filter(([field]) => a[field] !== b[field])
    .map(([field, name]) => `different ${name}: ${a[field]} in A, ${b[field]} in B`);
}

function otherWarnings(a, b) {
  const warnings = [];
  for (const [side, result] of [
    ['A', a],
    ['B', b],
  ]) {
    const { quiet, othersCpuShare } = result.environment;
    if (!quiet) {
      warnings.push(
        `other programs used ${Math.round(othersCpuShare * 100)} % of the machine when ${side} began`,
      );
    }
    if (result.finishedAt === null) warnings.push(`${side} did not finish`);
  }
  if (a.suite !== b.suite) warnings.push(`different suites: ${a.suite} in A, ${b.suite} in B`);
  return warnings;
}

/** Rows of both results that have the same scenario and key, in B's order, and what is in one only. */
export function compareResults(a, b) {
  const id = ({ scenario, key }) => `${scenario}\n${key}`;
  const inA = new Map(a.rows.map((row) => [id(row), row]));
  const inB = new Set(b.rows.map(id));
  const name = ({ scenario, key }) => `${scenario}: ${key}`;
  return {
    warnings: [...machineWarnings(a.environment, b.environment), ...otherWarnings(a, b)],
    rows: b.rows.filter((row) => inA.has(id(row))).map((row) => compareRows(inA.get(id(row)), row)),
    onlyInA: a.rows.filter((row) => !inB.has(id(row))).map(name),
    onlyInB: b.rows.filter((row) => !inA.has(id(row))).map(name),
  };
}
