// Every suite. A suite is `{ name, title, scenarios }`, and may have `full`, the scenarios of `--full`.
// `overLinks: false` says that nothing of the suite crosses the link that --netns or --rtt would choose.
//
// A scenario is
//
//   name, how           how: a sentence or two on how it measures
//   neededBytes         of free memory
//   rows                [{ key, title, unit, better: 'higher' | 'lower', baseline?, target? }]: baseline
//                       names what stands beside the figure; a target holds for the median of the
//                       'measured' figure or of its 'ratio' to the baseline
//   mostRepetitions?    samples at most, whatever was asked for
//   warmUp?             false: no first sample that does not count
//   sampleSeconds?      what one sample takes, for the time left before there is a sample
//   skip?()             answers why it cannot be measured here, or null
//   sample(context)     answers { rows: { [key]: { measured, baseline?, details? } | { skipped: reason } },
//                       migrations?, distributions? }
//
// The context is { repetition, warmUp, signal, log, link }. When `signal` aborts, `sample` ends what it
// started and rejects; `link` is what lies between a source and a destination (links/index.mjs).
import { suite as mechanisms } from './mechanisms.mjs';
import { suite as peers } from './peers.mjs';
import { suite as quick } from './quick.mjs';
import { suite as scale } from './scale.mjs';
import { suite as strategies } from './strategies.mjs';

export const suites = [quick, mechanisms, strategies, peers, scale];
