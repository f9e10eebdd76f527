// The links that `bench codecs` migrates over, and how each comes about on this machine.
import { UsageError } from '../lib/errors.js';
import { linkObstacle } from '../lib/options.js';
import { LOOPBACK, type NetnsLink, type WantedLink } from '../links/wanted-link.js';

export interface CodecLink {
  readonly name: string;
  /** With how it comes about. */
  readonly title: string;
  /** Bytes per second; null without a limit. */
  readonly rate: number | null;
  readonly wanted: WantedLink;
  /** The engine's own limit, bytes per second; 0: none. */
  readonly bandwidth: number;
}

interface KnownLink {
  readonly name: string;
  readonly title: string;
  readonly rate: number | null;
  /** Two network namespaces, where they can be had. */
  readonly shaped: boolean;
}

const LINKS: readonly KnownLink[] = [
  { name: '100mbit', title: '100 Mbit/s', rate: 12.5e6, shaped: true },
  { name: '1gbit', title: '1 Gbit/s', rate: 125e6, shaped: true },
  { name: '10gbit', title: '10 Gbit/s', rate: 1.25e9, shaped: false },
  { name: 'unlimited', title: 'loopback', rate: null, shaped: false },
];

export const ALL_LINKS = LINKS.map(({ name }) => name);

/** Names separated by commas, each once. Throws UsageError. */
export function parseLinks(text: string): readonly string[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  const unknown = names.find((name) => !ALL_LINKS.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`no link is called '${unknown}'; there are ${ALL_LINKS.join(', ')}`);
}

/** Finding out what this machine can have takes a moment. */
export function openableLinks(names: readonly string[]): CodecLink[] {
  return LINKS.filter(({ name }) => names.includes(name)).map(openable);
}

function openable({ name, title, rate, shaped }: KnownLink): CodecLink {
  if (rate === null) return { name, title, rate, wanted: LOOPBACK, bandwidth: 0 };
  const netns: NetnsLink = { kind: 'netns', rateBytesPerSecond: rate };
  if (shaped && linkObstacle(netns) === null) {
    return { name, title: `${title} (switch, tc)`, rate, wanted: netns, bandwidth: 0 };
  }
  return { name, title: `${title} (rate limit)`, rate, wanted: LOOPBACK, bandwidth: rate };
}
