/** What each migration cost, side by side: one column a strategy, or one block where that is too wide. */
import Table from 'cli-table3';
import type { MigrationReport } from '../../index.js';
import { formatBytes, formatCount, formatDuration, formatWhole } from '../../units.js';
import type { Colors, Output } from '../output.js';
import { gapText, isGood, optionalDuration, verdict } from './wording.js';

interface Row {
  readonly label: string;
  readonly value: (report: MigrationReport) => string;
}

const NONE = '–';

function optionalCount(count: number | null | undefined): string {
  return count === null || count === undefined ? NONE : formatCount(count);
}

function faultFigure(report: MigrationReport, microseconds: number): string {
  return report.demandFaultsOverNetwork > 0 ? formatDuration(microseconds / 1000) : NONE;
}

const ROWS: readonly Row[] = [
  { label: 'longest gap', value: gapText },
  { label: 'downtime', value: (report) => optionalDuration(report.downtimeMs) },
  { label: 'lost', value: (report) => optionalDuration(report.guest?.lostMs) },
  { label: 'total time', value: (report) => formatDuration(report.totalMs) },
  { label: 'rounds', value: (report) => formatWhole(report.rounds.length) },
  { label: 'pages sent', value: (report) => formatWhole(report.pagesSent) },
  { label: 'bytes on the wire', value: (report) => formatBytes(report.wireBytes) },
  { label: 'network faults', value: (report) => formatWhole(report.demandFaultsOverNetwork) },
  { label: 'fault p50', value: (report) => faultFigure(report, report.faultLatencyUs.p50) },
  { label: 'fault p99', value: (report) => faultFigure(report, report.faultLatencyUs.p99) },
  { label: 'ops/s before', value: (report) => optionalCount(report.guest?.opsPerSecondBefore) },
  { label: 'ops/s slowest', value: (report) => optionalCount(report.guest?.opsPerSecondSlowest) },
  { label: 'ops/s during', value: (report) => optionalCount(report.guest?.opsPerSecondDuring) },
  { label: 'ops/s after', value: (report) => optionalCount(report.guest?.opsPerSecondAfter) },
];
const VERDICT = 'outcome';

function howToRead(reports: readonly MigrationReport[]): readonly string[] {
  const resolutionMs = Math.max(...reports.map(({ guest }) => guest?.gapResolutionMs ?? 0));
  const resolution = resolutionMs > 0 ? ` Known to ${formatDuration(resolutionMs)}.` : '';
  return [
    `longest gap = the longest time the guest itself stood still, switchover and page faults included: what its users feel.${resolution}`,
    'lost = the time it would have needed, at its rate before, for all that the migration kept it from doing; ops/s slowest = its least over 10 ms before the pause.',
  ];
}

/** Nothing, when nothing was sent. */
export function printTable(output: Output, reports: readonly MigrationReport[]): void {
  if (reports.every(({ wireBytes }) => wireBytes === 0)) return;
  const { columns, colors } = output;
  output.line();
  output.line(
    tableWidth(reports) <= columns ? asTable(reports, colors) : asBlocks(reports, colors),
  );
  for (const text of howToRead(reports)) {
    for (const line of wrap(text, columns)) output.line(colors.dim(line));
  }
}

/** The cells as plain text: rows of the table, without labels. */
function cells(reports: readonly MigrationReport[]): string[][] {
  return ROWS.map(({ value }) => reports.map(value));
}

function labelWidth(): number {
  return Math.max(...ROWS.map(({ label }) => label.length));
}

function tableWidth(reports: readonly MigrationReport[]): number {
  const widths = reports.map((report, column) =>
    Math.max(
      report.strategy.length,
      verdict(report).length,
      ...cells(reports).map((row) => row[column]?.length ?? 0),
    ),
  );
  const content = widths.reduce((sum, width) => sum + width, labelWidth());
  // Two spaces in each cell, one border between any two and at both ends.
  return content + 2 * (widths.length + 1) + widths.length + 2;
}

/** The shortest gap of several is what one came for. */
function shortestGap(reports: readonly MigrationReport[]): MigrationReport | undefined {
  const measured = reports.filter((report) => isGood(report) && report.guest?.longestGapMs != null);
  const gap = (report: MigrationReport) => report.guest?.longestGapMs ?? 0;
  return reports.length > 1 ? measured.sort((a, b) => gap(a) - gap(b))[0] : undefined;
}

function paintVerdict(report: MigrationReport, colors: Colors): string {
  return (isGood(report) ? colors.green : colors.red)(verdict(report));
}

function paintGap(report: MigrationReport, text: string, best: boolean, colors: Colors): string {
  const bold = colors.bold(text);
  return best && isGood(report) ? colors.green(bold) : bold;
}

function asTable(reports: readonly MigrationReport[], colors: Colors): string {
  const { bold, dim } = colors;
  const table = new Table({
    head: ['', ...reports.map(({ strategy }) => bold(strategy))],
    colAligns: ['left', ...reports.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  const best = shortestGap(reports);
  for (const [index, { label }] of ROWS.entries()) {
    const values = cells(reports)[index] ?? [];
    const painted = reports.map((report, column) => {
      const text = values[column] ?? NONE;
      return index === 0 ? paintGap(report, text, report === best, colors) : text;
    });
    table.push([index === 0 ? bold(label) : dim(label), ...painted]);
  }
  table.push([dim(VERDICT), ...reports.map((report) => paintVerdict(report, colors))]);
  return table.toString();
}

function asBlocks(reports: readonly MigrationReport[], colors: Colors): string {
  const width = labelWidth();
  const best = shortestGap(reports);
  const blocks = reports.map((report) => {
    const lines = ROWS.map(({ label, value }, index) => {
      const text = value(report);
      const painted = index === 0 ? paintGap(report, text, report === best, colors) : text;
      return `  ${colors.dim(label.padEnd(width))}  ${painted}`;
    });
    const state = `  ${colors.dim(VERDICT.padEnd(width))}  ${paintVerdict(report, colors)}`;
    return [colors.bold(report.strategy), ...lines, state].join('\n');
  });
  return blocks.join('\n\n');
}

function wrap(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
