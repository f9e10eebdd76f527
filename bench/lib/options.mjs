// What the options of the bench are read as.
import { parseCount, parseDuration, parseRate } from '../../dist/units.js';

const MOST_REPETITIONS = 100;

export function parseRepetitions(text) {
  return parseCount(text, 1, MOST_REPETITIONS);
}

/** What openLink() of links/index.mjs takes. */
export function netnsLink(text) {
  const rate = parseRate(text);
  return { kind: 'netns', rateBytesPerSecond: rate === 0 ? null : rate };
}

export function relayLink(text) {
  return { kind: 'relay', rttMs: parseDuration(text) };
}

/** Why this link cannot be had here, or null. */
export function linkObstacle({ kind }) {
  const needsRoot = kind === 'netns' && process.getuid() !== 0;
  return needsRoot ? 'network namespaces (--netns) need root' : null;
}
