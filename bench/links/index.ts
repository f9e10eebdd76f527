// What lies between the source and the destination: loopback as it is, a relay that adds a delay, or two
// network namespaces.
import type { Link } from './link.js';
import { openNamespaces } from './netns.js';
import { openRelay } from './relay.js';
import type { WantedLink } from './wanted-link.js';

const loopback: Link = {
  prefix: () => [],
  listenHost: '127.0.0.1',
  target: async (port) => ({ host: '127.0.0.1', port }),
  close: async () => {},
};

/** Throws what stands in the way. */
export async function openLink(wanted: WantedLink): Promise<Link> {
  if (wanted.kind === 'relay') return openRelay(wanted);
  if (wanted.kind === 'netns') return openNamespaces(wanted);
  return loopback;
}

function inMegabits(bytesPerSecond: number): string {
  return `${(bytesPerSecond * 8) / 1e6} Mbit/s`;
}

export function describeLink(link: WantedLink): string {
  if (link.kind === 'relay') return `a relay that makes a round trip take ${link.rttMs} ms longer`;
  if (link.kind === 'loopback') return 'loopback';
  const { rateBytesPerSecond } = link;
  return rateBytesPerSecond === null
    ? 'a veth pair between two network namespaces, not shaped'
    : `a switch between two network namespaces, ${inMegabits(rateBytesPerSecond)}`;
}
