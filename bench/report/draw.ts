// One plot as inline SVG: Observable Plot on a DOM that needs no browser. Colours are CSS custom
// properties, so that the page decides them, for light, dark and paper alike.
/// <reference lib="dom" />
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { StrategyName } from '#engine/vocabulary.js';
import { type Html, raw } from './html.js';
import type { LegendItem, MarkSymbol } from './section.js';
import { isStrategy } from './strategy-names.js';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** Narrow enough to be read on a phone without shrinking; wide screens show several side by side. */
export const WIDTH = 380;

export const INK = 'var(--ink)';
export const SOFT = 'var(--soft)';
export const PAPER = 'var(--paper)';
export const BAND = 'var(--band)';
export const PAUSE = 'var(--pause)';
export const STALL = 'var(--stall)';

/** Told apart by readers who see colours differently, on both backgrounds; see style.css. */
export const COLORS = [
  'var(--c1)',
  'var(--c2)',
  'var(--c3)',
  'var(--c4)',
  'var(--c5)',
  'var(--c6)',
] as const;

/** A symbol goes with each colour, for print without colours. */
export const SYMBOLS = ['circle', 'square', 'triangle', 'diamond', 'star', 'wye'] as const;

/** The i-th colour; they begin anew after the last. */
export function colorAt(i: number): string {
  return COLORS[i % COLORS.length] ?? COLORS[0];
}

export function symbolAt(i: number): MarkSymbol {
  return SYMBOLS[i % SYMBOLS.length] ?? SYMBOLS[0];
}

/**
 * Their colours are theirs alone, and stay apart for readers with any of the three kinds of colour blindness; a symbol
 * goes with each.
 */
const STRATEGY_SYMBOLS: Readonly<Record<StrategyName, MarkSymbol>> = {
  'stop-and-copy': 'diamond',
  'pre-copy': 'circle',
  'post-copy': 'square',
  hybrid: 'triangle',
};

/** The same strategy looks the same in every plot. */
export function strategyStyle(strategy: string): LegendItem & { readonly symbol: MarkSymbol } {
  return isStrategy(strategy)
    ? { label: strategy, color: `var(--${strategy})`, symbol: STRATEGY_SYMBOLS[strategy] }
    : { label: strategy, color: SOFT, symbol: 'star' };
}

interface Drawing extends Plot.PlotOptions {
  /** What a reader who cannot see it is told. */
  readonly describe: string;
}

/** An SVG of the plot. */
export function draw({ describe, ...options }: Drawing): Html {
  const svg = Plot.plot({
    document,
    width: WIDTH,
    marginLeft: 46,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 34,
    className: 'plot',
    style: { fontSize: '11px' },
    ...options,
  });
  // The page styles all plots at once.
  svg.querySelector('style')?.remove();
  svg.removeAttribute('style');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', describe);
  // Coordinates are rounded; what is read, by eye or aloud, is not.
  const rounded = svg.outerHTML.replaceAll(
    /aria-label="[^"]*"|(\d+\.\d{2})\d+(?=[^<>]*>)/g,
    (text: string, coordinate: string | undefined) => coordinate ?? text,
  );
  return raw(rounded);
}

/** An axis label without an arrow, and few ticks. */
export function axis(label: string | null, options: Plot.ScaleOptions = {}): Plot.ScaleOptions {
  return { label, labelArrow: 'none', ticks: 4, ...options };
}

/** Ticks of a logarithmic scale: powers of ten, and 2 and 5 between them when there are few. */
export function logTicks(values: readonly number[]): number[] {
  const [low, high] = logDomain(values);
  const decades = Math.log10(high / low);
  const steps = decades <= 1.6 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / 6));
  const ticks: number[] = [];
  for (
    let power = Math.floor(Math.log10(low));
    power <= Math.ceil(Math.log10(high));
    power += every
  ) {
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(Number(tick.toPrecision(3)));
    }
  }
  return ticks;
}

/** A domain with room around positive values. */
export function logDomain(values: readonly number[]): [low: number, high: number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const decades = Math.log10(high / low);
  if (decades < 0.7) {
    const middle = Math.sqrt(low * high);
    return [middle / 3.2, middle * 3.2];
  }
  return [low / 10 ** (decades * 0.06), high * 10 ** (decades * 0.06)];
}

/** Plain numbers on logarithmic axes: 0.01, 1, 1,000. */
export function tickText(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

export { Plot };
