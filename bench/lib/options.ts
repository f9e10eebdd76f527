// What the options of the bench are read as.
import { parseBytes, parseCount, parseDuration, parseRate } from '#engine/units.js';
import { namespacesObstacle } from '../links/netns.js';
import type { NetnsLink, RelayLink, WantedLink } from '../links/wanted-link.js';

const MOST_REPETITIONS = 100;

export function parseRepetitions(text: string): number {
  return parseCount(text, 1, MOST_REPETITIONS);
}

const LEAST_CORPUS_BYTES = 2 ** 20;
const MOST_CORPUS_BYTES = 4 * 2 ** 30;
const LEAST_CORPUS_MS = 10;
const MOST_CORPUS_MS = 600_000;

/** About how much memory each program of a corpus has. */
export function parseCorpusSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes >= LEAST_CORPUS_BYTES && bytes <= MOST_CORPUS_BYTES) return bytes;
  throw new RangeError(`expected 1MiB to 4GiB, not '${text}'`);
}

export function parseCorpusInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms >= LEAST_CORPUS_MS && ms <= MOST_CORPUS_MS) return ms;
  throw new RangeError(`expected 10ms to 10min, not '${text}'`);
}

/** A share from 0 to 1, written in percent. */
export function parsePercent(text: string): number {
  const [, digits] = /^(\d+(?:\.\d+)?) ?%$/.exec(text) ?? [];
  const percent = Number(digits);
  if (digits === undefined || percent > 100) {
    throw new RangeError(`expected a share such as 5%, 100% at most, not '${text}'`);
  }
  return percent / 100;
}

export function netnsLink(text: string): NetnsLink {
  const rate = parseRate(text);
  return { kind: 'netns', rateBytesPerSecond: rate === 0 ? null : rate };
}

export function relayLink(text: string): RelayLink {
  return { kind: 'relay', rttMs: parseDuration(text) };
}

const obstacles = new Map<string, string | null>();

/** Why this link cannot be had here, or null. Finding out takes a moment, so it is done once for each. */
export function linkObstacle(link: WantedLink): string | null {
  if (link.kind !== 'netns') return null;
  const key = JSON.stringify(link);
  const known = obstacles.get(key);
  const obstacle = known === undefined ? namespacesObstacle(link) : known;
  obstacles.set(key, obstacle);
  return obstacle;
}
