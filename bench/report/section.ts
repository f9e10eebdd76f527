// What a plot makes for the page.
import type { Result } from '../result/schema.js';
import type { Html } from './html.js';

/** Plot's name of a mark's shape; `tick` is a stroke across the row. */
export type MarkSymbol = 'circle' | 'square' | 'triangle' | 'diamond' | 'star' | 'wye' | 'tick';

const SYMBOL_TEXT: Readonly<Record<MarkSymbol, string>> = {
  circle: '●',
  square: '■',
  triangle: '▲',
  diamond: '◆',
  star: '★',
  wye: '✚',
  tick: '|',
};
const HOLLOW_TEXT: Readonly<Partial<Record<MarkSymbol, string>>> = { diamond: '◇', circle: '○' };

/** A mark's shape as a character, for legends. */
export function legendSymbol(symbol: MarkSymbol, isHollow = false): string {
  return (isHollow ? HOLLOW_TEXT[symbol] : undefined) ?? SYMBOL_TEXT[symbol];
}

export interface LegendItem {
  readonly label: string;
  readonly color: string;
  /** Without one it is a line, or an area. */
  readonly symbol?: MarkSymbol;
  readonly isArea?: boolean;
  readonly isHollow?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly facts?: Html;
  readonly legend?: readonly LegendItem[];
  readonly plots: readonly Html[];
}

export interface Section {
  readonly title: string;
  readonly legend?: readonly LegendItem[];
  readonly panels: readonly Panel[];
  readonly caption: string;
}

/** Answers null when the result has nothing for it. */
export type Plotter = (result: Result) => Section | null;

/** What a result has plots for; `lead` comes before the tables. */
export interface Figures {
  readonly lead: readonly Section[];
  readonly others: readonly Section[];
}
