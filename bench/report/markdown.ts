// Results and comparisons as Markdown tables.
import type { ComparedRow, Comparison } from '../result/comparison.js';
import type { Result, Row } from '../result/schema.js';
import {
  bytes,
  machine,
  number,
  repetitionsText,
  spread,
  stallsText,
  stolenText,
  targetText,
  verdict,
} from './format.js';

/** A cell must not end its column or its line. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}

function figures(row: Row): string[] {
  if (row.status !== 'measured') return [`${row.status}: ${row.reason}`, '–', '–'];
  const { measured, baseline, ratio, unit } = row;
  return [
    spread(measured, unit),
    baseline ? `${baseline.name}: ${spread(baseline, unit)}` : '–',
    ratio ? spread(ratio) : '–',
  ];
}

function tableRow(row: Row): string {
  const met = verdict(row);
  const cells = [
    row.title,
    ...figures(row),
    targetText(row.target, row.unit),
    met === 'no' ? '**no**' : met,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The table, how it was measured, and on what. Ends with a line break. */
export function toMarkdown(result: Result): string {
  const { environment, command, startedAt, repetitions, rows, methods } = result;
  const { node, commit, modified, othersCpuShare, congestionControl } = environment;
  const lines = [
    '| Case | Measured | Beside it, in the same run | Ratio | Target | Met |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(tableRow),
    '',
    `\`${command}\`, ${startedAt.slice(0, 10)}: median [min … max] of ${repetitionsText(repetitions, rows)}, most after a run that does not count, with ${bytes(environment.warmedBytes)} of memory warmed before.`,
    `${machine(environment)}, Node.js ${node}, commit ${commit ?? 'unknown'}${modified ? ' with changes' : ''}${congestionControl ? `, default congestion control ${congestionControl}` : ''}.`,
  ];
  for (const withheld of [stolenText(result.stolen), stallsText(result.migrations)]) {
    if (withheld !== null) lines.push(`${withheld}.`);
  }
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

function comparisonRow(row: ComparedRow): string {
  if (row.verdict === 'incomparable') return `| ${row.title} | – | – | – | ${cell(row.reason)} |`;
  const cells = [spread(row.a, row.unit), spread(row.b, row.unit)];
  const ratio = row.ratio === null ? '–' : number(row.ratio);
  return `| ${[row.title, ...cells, ratio, VERDICTS[row.verdict]].join(' | ')} |`;
}

export function comparisonToMarkdown({ rows, onlyInA, onlyInB }: Comparison): string {
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
