// Every scenario, in the order of the table.
//
// A scenario has a `name`, `neededBytes` of free memory, a sentence or two on `how` it measures, `rows`
// (key, title, unit, and, where there are, the baseline's name and the target), and
// `sample(repetition)`, which answers for each row `{ measured, baseline?, details? }`. A target holds
// for the median of the `measured` figure or of its `ratio` to the baseline.
import { demandFaultScenario } from './demand-fault.mjs';
import { engineMemoryScenario } from './engine-memory.mjs';
import { roundZeroScenario } from './round-zero.mjs';
import { switchoverScenario } from './switchover.mjs';
import { trackerScenario } from './tracker.mjs';
import { untouchedScenario } from './untouched.mjs';

export const scenarios = [
  roundZeroScenario,
  untouchedScenario,
  trackerScenario,
  switchoverScenario,
  demandFaultScenario,
  engineMemoryScenario,
];
