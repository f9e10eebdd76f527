/** Plots of characters, for a terminal. Pure. */

const BAR_CELLS = 24;

/** A bar of so much of the whole, 0 to 1, in eighths of a cell: `███▌`. */
export function bar(share: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS * 8);
  const rest = eighths % 8;
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : ' ▏▎▍▌▋▊▉'.charAt(rest));
}

export interface Point {
  /** One character, which stands for it. */
  readonly mark: string;
  /** Above 0: the axis is logarithmic. */
  readonly x: number;
  /** From 0 on. */
  readonly y: number;
}

export interface Axes {
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
}

const COLUMNS = 64;
const ROWS = 12;
/** Every so many rows the axis has a tick. */
const ROWS_A_TICK = 3;

/**
 * Lines of a plot with the points at their places: y upwards from 0, x to the right by its logarithm, over whole powers of
 * ten. Of points at one place the later ones stand beside it. `axes` says how values are written at the ticks.
 */
export function scatter(points: readonly Point[], axes: Axes): string[] {
  if (points.length === 0) return [];
  const decades = points.map(({ x }) => Math.log10(x));
  const from = Math.floor(Math.min(...decades));
  const to = Math.max(from + 1, Math.ceil(Math.max(...decades)));
  const top = Math.max(1, ...points.map(({ y }) => y));
  const rows = Array.from({ length: ROWS + 1 }, () => new Array<string>(COLUMNS + 1).fill(' '));
  points.forEach(({ mark, y }, i) => {
    const row = rows[Math.round((1 - y / top) * ROWS)];
    const column = Math.round((((decades[i] ?? from) - from) / (to - from)) * COLUMNS);
    if (row !== undefined) put(row, column, mark);
  });
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => ({
    column: Math.round((i / (to - from)) * COLUMNS),
    text: axes.x(10 ** (from + i)),
  }));
  const labels = rows.map((_, i) => (i % ROWS_A_TICK === 0 ? axes.y(top * (1 - i / ROWS)) : ''));
  const width = Math.max(...labels.map(({ length }) => length));
  return [
    ...rows.map((row, i) => {
      const label = labels[i] ?? '';
      return `${label.padStart(width)} ${label === '' ? '│' : '┤'}${row.join('')}`.trimEnd();
    }),
    ...abscissa(ticks).map((line) => `${' '.repeat(width + 1)}${line}`),
  ];
}

/** The nearest free cell from that one on, to the right and then to the left. */
function put(row: string[], column: number, mark: string): void {
  const right = row.indexOf(' ', column);
  row[right < 0 ? row.lastIndexOf(' ', column) : right] = mark;
}

/** The axis below the rows, and under it what its ticks say, each from its tick on. */
function abscissa(ticks: readonly { readonly column: number; readonly text: string }[]): string[] {
  const line = new Array<string>(COLUMNS + 1).fill('─');
  let texts = '';
  for (const { column, text } of ticks) {
    line[column] = '┬';
    texts = `${texts.padEnd(column + 1)}${text}`;
  }
  return [`└${line.join('')}`, texts];
}
