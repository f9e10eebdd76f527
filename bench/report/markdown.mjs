// The rows of a result as a Markdown table, for the README.
import { machine, spread, targetText, verdict } from './format.mjs';

/** A cell must not end its column or its line. */
function cell(text) {
  return String(text)
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ');
}

function figures({ status, reason, measured, baseline, ratio, unit }) {
  if (status !== 'measured') return [`${status}: ${reason}`, '–', '–'];
  return [
    spread(measured, unit),
    baseline ? `${baseline.name}: ${spread(baseline, unit)}` : '–',
    ratio ? spread(ratio) : '–',
  ];
}

function tableRow(row) {
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
export function toMarkdown({ environment, command, startedAt, repetitions, rows, methods }) {
  const { node, commit, modified, othersCpuShare, congestionControl } = environment;
  const lines = [
    '| Case | Measured | Beside it, in the same run | Ratio | Target | Met |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(tableRow),
    '',
    `\`${command}\`, ${startedAt.slice(0, 10)}: median [min … max] of ${repetitions}, after one run that does not count and warms the memory.`,
    `${machine(environment)}, Node.js ${node}, commit ${commit ?? 'unknown'}${modified ? ' with changes' : ''}${congestionControl ? `, default congestion control ${congestionControl}` : ''}.`,
  ];
  if (!environment.quiet) {
    const percent = Math.round(othersCpuShare * 100);
    lines.push(`**Other programs used ${percent} % of the machine when this run began.**`);
  }
  lines.push('', ...methods.map(({ name, how }) => `- \`${name}\`: ${how}`), '');
  return lines.join('\n');
}
