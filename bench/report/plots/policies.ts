// The policies of `bench codecs` on each image, one panel for each link.

import { CODECS_SUITE } from '../../codecs/names.js';
import {
  AUTO,
  isFixed,
  PAGE_LZ4,
  parsePolicies,
  QEMU_XBZRLE,
  QEMU_ZSTD,
  RAW,
} from '../../codecs/policies.js';
import type { MeasuredRow, Result } from '../../result/schema.js';
import { COLORS, SYMBOLS } from '../draw.js';
import { number } from '../format.js';
import type { MarkSymbol, Panel, Section } from '../section.js';
import { groupBy } from '../select.js';
import { labelledRows, type RowPoint } from './labelled-rows.js';

const STYLES = {
  auto: { label: 'auto', color: COLORS[0], symbol: SYMBOLS[0] },
  best: { label: 'best fixed policy', color: COLORS[2], symbol: SYMBOLS[2] },
  raw: { label: 'raw', color: COLORS[1], symbol: SYMBOLS[1] },
  page: { label: 'zero + LZ4 a page', color: COLORS[3], symbol: SYMBOLS[3] },
  qemuZstd: { label: 'QEMU, multifd zstd', color: COLORS[4], symbol: SYMBOLS[4] },
  qemuXbzrle: { label: 'QEMU, xbzrle', color: COLORS[5], symbol: SYMBOLS[5] },
} as const;
type Style = keyof typeof STYLES;

type PolicyPoint = RowPoint & { readonly said: string };

interface Total {
  readonly row: MeasuredRow;
  readonly policy: string;
  readonly image: string;
  readonly link: string;
}

/** `auto, node, 1 Gbit/s (switch, tc): total migration time` */
function totalsOf(rows: Result['rows']): Total[] {
  return rows.flatMap((row) => {
    const [policy, figure] = row.key.split('/');
    if (row.status !== 'measured' || policy === undefined || figure !== 'total') return [];
    const [, image = '', link = ''] = /^[^,]+, ([^,]+), (.*): [^:]*$/.exec(row.title) ?? [];
    return [{ row, policy, image, link }];
  });
}

function point(style: Style, { row, policy, image }: Total): PolicyPoint {
  const { color, symbol, label } = STYLES[style];
  const { median: value, min, max } = row.measured;
  return { label: image, color, symbol, value, min, max, said: style === 'best' ? policy : label };
}

/** Of one image over one link. */
function pointsOf(totals: readonly Total[]): PolicyPoint[] {
  const called = (name: string) => totals.filter(({ policy }) => policy === name);
  const [best] = totals
    .filter(({ policy }) => parsePolicies(policy).every(isFixed))
    .sort((a, b) => a.row.measured.median - b.row.measured.median);
  return [
    ...called(RAW).map((total) => point('raw', total)),
    ...called(PAGE_LZ4).map((total) => point('page', total)),
    ...(best === undefined ? [] : [point('best', best)]),
    ...called(AUTO).map((total) => point('auto', total)),
    ...called(QEMU_ZSTD).map((total) => point('qemuZstd', total)),
    ...called(QEMU_XBZRLE).map((total) => point('qemuXbzrle', total)),
  ];
}

function panel(link: string, points: readonly PolicyPoint[]): Panel {
  const spoken = points.map(({ label, said, value }) => `${label}: ${said} ${number(value)}`);
  const describe = `Total migration time over ${link}, in ms. ${spoken.join('; ')}`;
  return { title: link, plots: [labelledRows({ describe, points, unit: 'ms' })] };
}

export function policies({ suite, rows }: Result): Section | null {
  if (suite !== CODECS_SUITE) return null;
  const totals = totalsOf(rows);
  if (totals.length === 0) return null;
  const links = [...groupBy(totals, ({ link }) => link)].map(([link, own]) => ({
    link,
    points: [...groupBy(own, ({ image }) => image).values()].flatMap(pointsOf),
  }));
  const isDrawn = (symbol: MarkSymbol) =>
    links.some(({ points }) => points.some((one) => one.symbol === symbol));
  return {
    title: 'Total migration time by policy',
    legend: Object.values(STYLES).filter(({ symbol }) => isDrawn(symbol)),
    panels: links.map(({ link, points }) => panel(link, points)),
    caption:
      'One row for each image. Medians, with a bar from the lowest to the highest repetition; logarithmic. The best fixed policy is the fastest of those that a user may choose instead of auto, each image its own.',
  };
}
