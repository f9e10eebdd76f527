// How far each row is from what was measured beside it, and from its target.
import type { Better, MeasuredRow, Result, Row, Spread } from '../../result/schema.js';
import { COLORS, INK, SOFT } from '../draw.js';
import { number, targetLimit, targetText, verdict } from '../format.js';
import type { Panel, Section } from '../section.js';
import { groupBy } from '../select.js';
import { labelledRows, type RowPoint } from './labelled-rows.js';

/** A row that stands beside a baseline. */
type ComparedRow = MeasuredRow & { readonly ratio: Spread };

const MOST_IN_ONE = 12;
/** Beyond this, rows are found by their scenario. */
const MOST_TOGETHER = 24;

function isCompared(row: Row): row is ComparedRow {
  return row.status === 'measured' && row.ratio !== null && row.ratio.min > 0;
}

function styleOf(met: boolean | null): Pick<RowPoint, 'color' | 'symbol' | 'isHollow'> {
  if (met === null) return { color: SOFT, symbol: 'circle' };
  return met
    ? { color: COLORS[2], symbol: 'circle' }
    : { color: COLORS[1], symbol: 'diamond', isHollow: true };
}

function draw(title: string, rows: readonly ComparedRow[]): Panel {
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
          ...styleOf(row.target?.figure === 'ratio' ? row.met : null),
        })),
        targets: rows.flatMap(({ title: label, target }) =>
          target?.figure === 'ratio' ? [{ label, value: targetLimit(target) }] : [],
        ),
        rule: 1,
        unit: 'measured ÷ baseline',
      }),
    ],
  };
}

function chunks(rows: readonly ComparedRow[]): ComparedRow[][] {
  const count = Math.ceil(rows.length / MOST_IN_ONE);
  return Array.from({ length: count }, (_, i) =>
    rows.slice(i * MOST_IN_ONE, (i + 1) * MOST_IN_ONE),
  );
}

/** Panels of the rows in which this direction is better. */
function panelsOf(all: readonly ComparedRow[], better: Better): Panel[] {
  const rows = all.filter((row) => row.better === better);
  const direction = `${better === 'higher' ? 'Higher' : 'Lower'} is better`;
  const isMany = rows.length > MOST_TOGETHER;
  const parts = groupBy(rows, ({ scenario }) => (isMany ? scenario : ''));
  return [...parts].flatMap(([scenario, part]) =>
    chunks(part).map((chunk) =>
      draw(isMany ? `${scenario}: ${direction.toLowerCase()}` : direction, chunk),
    ),
  );
}

export function ratios({ rows }: Result): Section | null {
  const compared = rows.filter(isCompared);
  if (compared.length === 0) return null;
  const panels = [...panelsOf(compared, 'higher'), ...panelsOf(compared, 'lower')];
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
