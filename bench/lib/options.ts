// What the options of the bench are read as.
import { parseCount, parseDuration, parseRate } from '../../dist/units.js';
import { namespacesObstacle } from '../links/netns.mjs';

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

const obstacles = new Map();

/** Why this link cannot be had here, or null. Finding out takes a moment, so it is done once for each. */
export function linkObstacle(link) {
  if (link.kind !== 'netns') return null;
  const known = JSON.stringify(link);
  if (!obstacles.has(known)) obstacles.set(known, namespacesObstacle(link));
  return obstacles.get(known);
}
