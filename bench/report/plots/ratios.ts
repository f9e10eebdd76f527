// How far each row is from what was measured beside it, and from its target.
import { COLORS, INK, SOFT } from '../draw.mjs';
import { number, targetLimit, targetText, verdict } from '../format.mjs';
import { groupBy } from '../select.mjs';
import { labelledRows } from './labelled-rows.mjs';

const MOST_IN_ONE = 12;
/** Beyond this, rows are found by their scenario. */
const MOST_TOGETHER = 24;

function styleOf({ met }) {
  if (met === null) return { color: SOFT, symbol: 'circle' };
  return met
    ? { color: COLORS[2], symbol: 'circle' }
    : { color: COLORS[1], symbol: 'diamond', isHollow: true };
}

function draw(title, rows) {
  const spoken = rows.map(
    (row) =>
      `${row.title}: ${number(row.ratio.median)}${row.target?.figure === 'ratio' ? `, target ${targetText(row.target, '')}, met: ${verdict(row)}` : ''}`,
  );
  return {
    title,
    plots: [
      labelledRows({
        describe: `${title}. ${spoken.join('; ')}`,
        points: rows.map((row) => ({
          label: row.title,
          value: row.ratio.median,
          min: row.ratio.min,
          max: row.ratio.max,
          ...styleOf({ met: row.target?.figure === 'ratio' ? row.met : null }),
        })),
        targets: rows
          .filter(({ target }) => target?.figure === 'ratio')
          .map((row) => ({ label: row.title, value: targetLimit(row.target) })),
        rule: 1,
        unit: 'measured ÷ baseline',
      }),
    ],
  };
}

function chunks(rows) {
  const count = Math.ceil(rows.length / MOST_IN_ONE);
  return Array.from({ length: count }, (_, i) =>
    rows.slice(i * MOST_IN_ONE, (i + 1) * MOST_IN_ONE),
  );
}

/** Panels of rows in which the same direction is better. */
function panelsOf(rows, better) {
  const direction = `${better} is better`;
  const isMany = rows.length > MOST_TOGETHER;
  const parts = groupBy(rows, ({ scenario }) => (isMany ? scenario : ''));
  return [...parts].flatMap(([scenario, part]) =>
    chunks(part).map((chunk) =>
      draw(isMany ? `${scenario}: ${direction.toLowerCase()}` : direction, chunk),
    ),
  );
}

export function ratios({ rows }) {
  const compared = rows.filter(({ status, ratio }) => status === 'measured' && ratio?.min > 0);
  if (compared.length === 0) return null;
  const groups = groupBy(compared, ({ better }) => better);
  const panels = [
    ...panelsOf(groups.get('higher') ?? [], 'Higher'),
    ...panelsOf(groups.get('lower') ?? [], 'Lower'),
  ];
  return {
    title: 'Beside the baseline of the same run',
    legend: [
      { label: 'target met', color: COLORS[2], symbol: 'circle' },
      { label: 'target missed', color: COLORS[1], symbol: 'diamond', isHollow: true },
      { label: 'no target for the ratio', color: SOFT, symbol: 'circle' },
      { label: 'target', color: INK, symbol: 'tick' },
    ],
    panels,
    caption:
      'Each repetition is divided by the baseline that was measured right before or after it: the dot is the median of the ratios, the bar reaches from the lowest to the highest, the tick is the target and the dashed line stands at 1. The table names each baseline.',
  };
}
