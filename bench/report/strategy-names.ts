// The strategies in the order that tables and plots show them in.
import { STRATEGY_NAMES, type StrategyName } from '#engine/vocabulary.js';

export function isStrategy(name: string): name is StrategyName {
  return STRATEGY_NAMES.some((one) => one === name);
}

/** Strategies of others' making come last. */
export function byStrategy(a: string, b: string): number {
  return placeOf(a) - placeOf(b);
}

function placeOf(name: string): number {
  return isStrategy(name) ? STRATEGY_NAMES.indexOf(name) : STRATEGY_NAMES.length;
}

/** The strategy that a row's key begins with, and the figure that it goes on with: `pre-copy-total`. */
export function splitKey(key: string): {
  readonly strategy: StrategyName | null;
  readonly figure: string;
} {
  const strategy = STRATEGY_NAMES.find((name) => key.startsWith(`${name}-`)) ?? null;
  return { strategy, figure: strategy === null ? key : key.slice(strategy.length + 1) };
}
