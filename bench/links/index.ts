// What lies between the source and the destination: loopback as it is, a relay that adds a delay, or two
// network namespaces. A link is
//
//   prefix(side)    what the command line of that side's process begins with
//   listenHost      where the destination listens
//   target(port)    answers where the source finds that port: { host, port }
//   close()         on return nothing of the link is left
import { openNamespaces } from './netns.mjs';
import { openRelay } from './relay.mjs';

const loopback = {
  prefix: () => [],
  listenHost: '127.0.0.1',
  target: async (port) => ({ host: '127.0.0.1', port }),
  close: async () => {},
};

/** `wanted` is what lib/options.mjs reads from the command line. Throws what stands in the way. */
export async function openLink(wanted) {
  if (wanted.kind === 'relay') return openRelay(wanted);
  if (wanted.kind === 'netns') return openNamespaces(wanted);
  return loopback;
}

function inMegabits(bytesPerSecond) {
  return `${(bytesPerSecond * 8) / 1e6} Mbit/s`;
}

export function describeLink({ kind, rttMs, rateBytesPerSecond }) {
  if (kind === 'relay') return `a relay that makes a round trip take ${rttMs} ms longer`;
  if (kind !== 'netns') return 'loopback';
  const shaping = rateBytesPerSecond === null ? 'not shaped' : inMegabits(rateBytesPerSecond);
  return `a veth pair between two network namespaces, ${shaping}`;
}
