// The report of a result: one HTML file that needs nothing else, neither network nor script.
import { page } from './page.mjs';
import { dirtyRatio } from './plots/dirty-ratio.mjs';
import { engines } from './plots/engines.mjs';
import { faultLatency } from './plots/fault-latency.mjs';
import { pages } from './plots/pages.mjs';
import { ratios } from './plots/ratios.mjs';
import { scale } from './plots/scale.mjs';
import { switchovers } from './plots/switchovers.mjs';
import { timeLines } from './plots/time-lines.mjs';

/** In the order of the page. Each answers null when the result has nothing for it. */
const PLOTS = [ratios, engines, dirtyRatio, timeLines, switchovers, faultLatency, pages, scale];

/**
 * The HTML of a result file of version 2, finished or not. Rejects a result of another version; what a
 * result lacks is left out.
 */
export async function renderReport(result) {
  if (result.version !== 2) {
    throw new Error(`a report is made of a result file of version 2, not ${result.version}`);
  }
  const sections = PLOTS.map((plot) => plot(result)).filter((section) => section !== null);
  return page(result, sections);
}
