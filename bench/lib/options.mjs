// What the options of the bench are read as.
const MOST_REPETITIONS = 100;
const RATE_UNITS = { '': 1, k: 1e3, M: 1e6, G: 1e9 };
const TIME_UNITS_MS = { us: 0.001, ms: 1, s: 1000 };

export function parseRepetitions(text) {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_REPETITIONS) return count;
  throw new Error(`expected a whole number from 1 to ${MOST_REPETITIONS}, not '${text}'`);
}

/** Bytes per second of `1Gbit`, `100Mbit`; null for `unlimited`. */
export function parseLinkRate(text) {
  if (text === 'unlimited') return null;
  const match = /^(\d+(?:\.\d+)?)\s?([kMG]?)bit(?:\/s)?$/.exec(text);
  const rate = match === null ? 0 : (Number(match[1]) * RATE_UNITS[match[2]]) / 8;
  if (rate > 0) return rate;
  throw new Error(`expected a rate such as 1Gbit, 100Mbit or 'unlimited', not '${text}'`);
}

/** Milliseconds of `10ms`, `0.5s`. */
export function parseTime(text) {
  const match = /^(\d+(?:\.\d+)?)\s?(us|ms|s)$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * TIME_UNITS_MS[match[2]];
  if (ms > 0) return ms;
  throw new Error(`expected a time such as 1ms, 10ms or 50ms, not '${text}'`);
}

/** What openLink() of links/index.mjs takes. */
export function parseLink(kind, text) {
  return kind === 'netns'
    ? { kind: 'netns', rateBytesPerSecond: parseLinkRate(text) }
    : { kind: 'relay', rttMs: parseTime(text) };
}

/** Why this link cannot be had here, or null. */
export function linkObstacle({ kind }) {
  if (kind === 'netns' && process.getuid() !== 0) {
    return 'network namespaces (--netns) need root';
  }
  return null;
}
