/** The guest in one line, for people. */
import type { Fill, WorkloadOptions } from '../index.js';
import { formatBytes, formatCount } from '../units.js';

function fillText(fill: Fill): string {
  switch (fill.kind) {
    case 'zero':
      return 'untouched memory';
    case 'random':
      return 'random bytes';
    case 'text':
      return 'text';
    case 'file':
      return `the content of ${fill.path}`;
    case 'image':
      return `the image ${fill.path}`;
    case 'process':
      return `the memory of process ${fill.pid}`;
    default:
      throw new Error(`no such fill: ${JSON.stringify(fill satisfies never)}`);
  }
}

/** `512 MiB of text, kv writes 20k pages/s of 128 MiB, seed 1`. */
export function describeGuest(guest: WorkloadOptions): string {
  const memory = `${formatBytes(guest.memoryBytes)} of ${fillText(guest.fill ?? { kind: 'zero' })}`;
  if (typeof guest.workload !== 'string') {
    const what =
      guest.workload.kind === 'trace'
        ? `replays ${guest.workload.path}`
        : 'goes through its snapshots';
    return `${memory}; ${what}; seed ${guest.seed ?? 1}`;
  }
  const rate = guest.writesPerSecond
    ? `${formatCount(guest.writesPerSecond)} pages/s`
    : 'without pause';
  const where =
    guest.workingSetBytes === undefined ? 'everywhere' : `in ${formatBytes(guest.workingSetBytes)}`;
  const threads =
    guest.threads !== undefined && guest.threads > 1 ? `, ${guest.threads} threads` : '';
  const writes = guest.workload === 'idle' ? 'idle' : `${guest.workload} writes ${rate} ${where}`;
  return `${memory}; ${writes}${threads}; seed ${guest.seed ?? 1}`;
}
