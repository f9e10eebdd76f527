// A comparison of two results as Markdown.
import type { ComparedRow, Comparison, Judging } from '../result/comparison.js';
import { number, percent, spread } from './format.js';
import { table } from './markdown-table.js';

const NOTHING = '–';
const VERDICTS = {
  better: 'better',
  worse: '**worse**',
  'no-difference-shown': 'no difference shown',
};

function ratioText(row: Exclude<ComparedRow, { verdict: 'incomparable' }>): string {
  if (row.ratio === null) return NOTHING;
  if (row.verdict === 'unjudged') return number(row.ratio);
  const { low, high } = row.interval;
  return `${number(row.ratio)} [${number(low)} … ${number(high)}]`;
}

function cells(row: ComparedRow): string[] {
  if (row.verdict === 'incomparable') return [row.title, NOTHING, NOTHING, NOTHING, row.reason];
  const verdict = row.verdict === 'unjudged' ? row.reason : VERDICTS[row.verdict];
  const [a, b] = [spread(row.a, row.unit), spread(row.b, row.unit)];
  return [row.title, a, b, ratioText(row), verdict];
}

/** What the verdicts are worth. */
function judgingText({
  confidence,
  smallestEffect,
  leastSamples,
  judged,
  verdicts,
  expectedByChance,
}: Judging): string {
  const rule = `B ÷ A is the ratio of the medians with its ${percent(confidence)} interval (percentile bootstrap). A verdict is given from ${leastSamples} samples a side on, where the interval leaves out 1 and the medians differ by ${percent(smallestEffect)} or more.`;
  if (judged === 0) return `${rule} No row could be judged.`;
  const count = `${judged} ${judged === 1 ? 'row was' : 'rows were'} judged and ${verdicts} got a verdict`;
  return `${rule} ${count}; if nothing had changed, chance alone would give about ${number(expectedByChance)}, and fewer where a smallest effect holds some back.`;
}

export function comparisonToMarkdown({ rows, judging, onlyInA, onlyInB }: Comparison): string {
  const only = [
    ...onlyInA.map((name) => `- only in A: ${name}`),
    ...onlyInB.map((name) => `- only in B: ${name}`),
  ];
  return [
    ...table(['Case', 'A', 'B', 'B ÷ A', 'Verdict'], rows.map(cells)),
    '',
    judgingText(judging),
    ...(only.length > 0 ? ['', ...only] : []),
    '',
  ].join('\n');
}
