// The report of a result: one HTML file that needs nothing else, neither network nor script.
import type { Result } from '../result/schema.js';
import { page } from './page.js';
import { engines } from './plots/engines.js';
import { faultLatency } from './plots/fault-latency.js';
import { pages } from './plots/pages.js';
import { policies } from './plots/policies.js';
import { ratios } from './plots/ratios.js';
import { scale } from './plots/scale.js';
import { strategies } from './plots/strategies.js';
import { switchovers } from './plots/switchovers.js';
import { timeLines } from './plots/time-lines.js';
import type { Figures, Plotter } from './section.js';

/** In their order on the page. */
const PLOTS: readonly Plotter[] = [
  policies,
  ratios,
  engines,
  timeLines,
  switchovers,
  faultLatency,
  pages,
  scale,
];

export function figuresOf(result: Result): Figures {
  return {
    lead: strategies(result),
    others: PLOTS.map((plot) => plot(result)).filter((section) => section !== null),
  };
}

/** The HTML of a result, finished or not; what it lacks is left out. */
export function renderReport(result: Result): string {
  return page(result, figuresOf(result));
}
