// Results and comparisons as Markdown tables.

function number(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

function spread({ median, min, max }, unit = '') {
  return `${number(median)}${unit} [${number(min)} … ${number(max)}]`;
}

function targetText(target, unit) {
  if (target === null) return '–';
  const suffix = target.figure === 'ratio' ? ' ×' : ` ${unit}`;
  if (target.atLeast !== undefined) return `≥ ${target.atLeast}${suffix}`;
  if (target.below !== undefined) return `< ${target.below}${suffix}`;
  return `≤ ${target.atMost}${suffix}`;
}

function verdict(row) {
  if (row.status !== 'measured') return row.status;
  return row.met === null ? '–' : row.met ? 'yes' : '**no**';
}

/** Text of others, which must not end the cell or the row. */
function cell(text) {
  return text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
}

function tableRow(row) {
  const target = targetText(row.target, row.unit);
  const cells =
    row.status === 'measured'
      ? [
          spread(row.measured, ` ${row.unit}`),
          row.baseline === null
            ? '–'
            : `${row.baseline.name}: ${spread(row.baseline, ` ${row.unit}`)}`,
          row.ratio === null ? '–' : spread(row.ratio),
        ]
      : [cell(`${row.status}: ${row.reason}`), '–', '–'];
  return `| ${[row.title, ...cells, target, verdict(row)].join(' | ')} |`;
}

function gib(bytes) {
  if (bytes < 2 ** 30) return `${Math.round(bytes / 2 ** 20)} MiB`;
  return `${Math.round(bytes / 2 ** 30)} GiB`;
}

export function toMarkdown({ environment, command, startedAt, repetitions, rows, methods }) {
  const { kernel, cpu, cores, node, commit, modified, othersCpuShare } = environment;
  const memory = gib(environment.memoryBytes);
  const lines = [
    '| Case | Measured | Beside it, in the same run | Ratio | Target | Met |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(tableRow),
    '',
    `\`${command}\`, ${startedAt.slice(0, 10)}: median [min … max] of ${repetitions}, after one run that does not count, with ${gib(environment.warmedBytes)} of memory warmed before.`,
    `Linux ${kernel}, ${cores} × ${cpu}, ${memory}, Node.js ${node}, commit ${commit ?? 'unknown'}${modified ? ' with changes' : ''}, default congestion control ${environment.congestionControl}.`,
  ];
  if (!environment.quiet) {
    const percent = Math.round(othersCpuShare * 100);
    lines.push(`**Other programs used ${percent} % of the machine when this run began.**`);
  }
  lines.push('', ...methods.map(({ name, how }) => `- \`${name}\`: ${how}`), '');
  return lines.join('\n');
}

const VERDICTS = {
  same: 'no difference that the spread can show',
  better: 'better',
  worse: '**worse**',
};

function comparisonRow(row) {
  if (row.verdict === 'incomparable') return `| ${row.title} | – | – | – | ${cell(row.reason)} |`;
  const cells = [spread(row.a, ` ${row.unit}`), spread(row.b, ` ${row.unit}`)];
  const ratio = row.ratio === null ? '–' : number(row.ratio);
  return `| ${[row.title, ...cells, ratio, VERDICTS[row.verdict]].join(' | ')} |`;
}

export function comparisonToMarkdown({ rows, onlyInA, onlyInB }) {
  const only = [
    ...onlyInA.map((name) => `- only in A: ${name}`),
    ...onlyInB.map((name) => `- only in B: ${name}`),
  ];
  return [
    '| Case | A | B | B ÷ A | |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(comparisonRow),
    ...(only.length > 0 ? ['', ...only] : []),
    '',
  ].join('\n');
}
