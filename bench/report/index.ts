// The report of a result: one HTML file that needs nothing else, neither network nor script.
import type { Result } from '../result/schema.js';
import { page } from './page.js';
import { dirtyRatio } from './plots/dirty-ratio.js';
import { engines } from './plots/engines.js';
import { faultLatency } from './plots/fault-latency.js';
import { pages } from './plots/pages.js';
import { ratios } from './plots/ratios.js';
import { scale } from './plots/scale.js';
import { switchovers } from './plots/switchovers.js';
import { timeLines } from './plots/time-lines.js';
import type { Plotter } from './section.js';

/** In the order of the page. */
const PLOTS: readonly Plotter[] = [
  ratios,
  engines,
  dirtyRatio,
  timeLines,
  switchovers,
  faultLatency,
  pages,
  scale,
];

/** The HTML of a result, finished or not; what it lacks is left out. */
export function renderReport(result: Result): string {
  const sections = PLOTS.map((plot) => plot(result)).filter((section) => section !== null);
  return page(result, sections);
}
