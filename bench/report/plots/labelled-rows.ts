// A dot plot on a logarithmic axis with one row for each label. The label stands above its row, so that a
// long one fits on a phone.
import {
  axis,
  draw,
  INK,
  logDomain,
  logTicks,
  PAPER,
  Plot,
  SOFT,
  tickText,
  WIDTH,
} from '../draw.js';
import type { Html } from '../html.js';
import type { MarkSymbol } from '../section.js';

const ROW_HEIGHT = 40;
const MOST_CHARACTERS = 60;

/** In the middle: long labels begin alike, and what tells them apart comes last. */
function shortened(label: string): string {
  if (label.length <= MOST_CHARACTERS) return label;
  const half = MOST_CHARACTERS / 2;
  return `${label.slice(0, half - 1)}…${label.slice(-half)}`;
}

/** A value above 0 on the row of its label, and how far it reached. */
export interface RowPoint {
  readonly label: string;
  readonly value: number;
  readonly color: string;
  readonly symbol: MarkSymbol;
  readonly min?: number;
  readonly max?: number;
  readonly isHollow?: boolean;
}

interface LabelledRows {
  readonly describe: string;
  readonly points: readonly RowPoint[];
  readonly unit: string;
  readonly targets?: readonly { readonly label: string; readonly value: number }[];
  /** A value that all rows are compared with. */
  readonly rule?: number;
}

export function labelledRows({ describe, points, unit, targets = [], rule }: LabelledRows): Html {
  const labels = [...new Set(points.map(({ label }) => label))];
  const values = [
    ...points.flatMap(({ value, min = value, max = value }) => [value, min, max]),
    ...targets.map(({ value }) => value),
    ...(rule === undefined ? [] : [rule]),
  ];
  return draw({
    describe,
    width: WIDTH,
    height: labels.length * ROW_HEIGHT + 44,
    marginLeft: 12,
    marginTop: 6,
    x: axis(unit, {
      type: 'log',
      domain: logDomain(values),
      ticks: logTicks(values),
      tickFormat: tickText,
      grid: true,
    }),
    y: { type: 'band', domain: labels, axis: null, padding: 0 },
    // Plot's own symbols, as they are.
    symbol: { type: 'identity' },
    marks: [
      rule === undefined ? null : Plot.ruleX([rule], { stroke: SOFT, strokeDasharray: '3 3' }),
      Plot.text(labels, {
        y: (label: string) => label,
        text: shortened,
        frameAnchor: 'left',
        dy: -9,
        fill: INK,
        stroke: PAPER,
        strokeWidth: 4,
      }),
      Plot.link(
        points.filter(({ min, max }) => min !== undefined && max !== undefined && max > min),
        {
          x1: 'min',
          x2: 'max',
          y: 'label',
          stroke: 'color',
          strokeWidth: 2,
          strokeOpacity: 0.55,
          dy: 8,
        },
      ),
      Plot.dot(points, {
        x: 'value',
        y: 'label',
        symbol: ({ symbol }: RowPoint) => symbol,
        fill: ({ color, isHollow }: RowPoint) => (isHollow ? PAPER : color),
        stroke: 'color',
        strokeWidth: 1.5,
        r: 4,
        dy: 8,
      }),
      Plot.tickX(targets, {
        x: 'value',
        y: 'label',
        stroke: INK,
        strokeWidth: 2,
        insetTop: 20,
        insetBottom: 4,
      }),
    ],
    color: { type: 'identity' },
  });
}
