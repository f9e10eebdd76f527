// What the scenarios share that put QEMU beside Pageferry.
import { recordOf, strategyName } from '../lib/migration-record.js';
import { migrateOnce, type WorkloadMigration } from '../lib/pair.js';
import type { SampleContext } from '../lib/scenario.js';
import { migrateQemu } from './qemu-migration.js';
import { accelerator } from './qemu-process.js';
import { qemuRecordOf } from './qemu-record.js';
import type { WantedQemuMigration } from './qemu-settings.js';

/** How far a sample knows that the memory arrived whole. */
export const WHAT_IS_COMPARED =
  'Pageferry’s guest is compared page by page afterwards, as in every migration of the bench. Of QEMU’s no page is compared: that both its sides say that the migration completed, and that a guest which writes sets marks at the destination, is all that is known.';

/** A migration of ours, as a record of the result file. */
export async function pageferry(label: string, wanted: WorkloadMigration, context: SampleContext) {
  const run = await migrateOnce(wanted, context);
  return recordOf(`${label}: Pageferry`, wanted, run);
}

/** The guest and the migration of ours as QEMU is told them; `more` is what only QEMU knows. */
export function asQemu(
  { guest, source, destination = {} }: WorkloadMigration,
  more: Pick<WantedQemuMigration, 'multifd' | 'preempt'> = {},
): WantedQemuMigration {
  const { memoryBytes, workingSetBytes, fill } = guest.options;
  const { strategy } = source;
  if (strategy === 'stop-and-copy' || typeof strategy !== 'string') {
    throw new Error(`QEMU has no ${strategyName(strategy)}`);
  }
  const touched = guest.populate === true ? 'zero' : 'none';
  return {
    guest: { memoryBytes, workingSetBytes, fill: fill?.kind === 'random' ? 'random' : touched },
    strategy,
    bandwidthBytesPerSecond: source.bandwidthBytesPerSecond,
    observeMs: source.observeMs,
    populateDestination: destination.prepare === true,
    ...more,
  };
}

/** The same migration by QEMU, as a record. `variant` says how it is told apart. */
export async function qemu(
  label: string,
  variant: string,
  wanted: WantedQemuMigration,
  { signal, link, log, warmUp }: SampleContext,
) {
  if (warmUp && accelerator() === 'tcg') log('there is no /dev/kvm: QEMU translates its guest');
  const options = { ...wanted, signal, link };
  return qemuRecordOf(`${label}: ${variant}`, options, await migrateQemu(options));
}

type OurRecord = ReturnType<typeof recordOf>;
/** A migration of either engine, as the result file has it. */
export type PeerRecord = OurRecord | ReturnType<typeof qemuRecordOf>;

export function cpuSeconds({ cpuSeconds: { source, destination } }: PeerRecord): number {
  return source + destination;
}

function isOurs(record: PeerRecord): record is OurRecord {
  return record.parameters.engine === 'pageferry';
}

/** What a row tells of each migration that stands in it. */
export function detailsOf(record: PeerRecord) {
  const { label, gapsMs } = record;
  const { totalMs, downtimeMs, wireBytes, guest } = record.report;
  const common = { label, totalMs, downtimeMs, wireBytes, gapsMs, guest };
  if (isOurs(record)) return { ...common, faultLatencyUs: record.report.faultLatencyUs };
  const { version, accelerator: accel } = record.parameters;
  return { ...common, version, accelerator: accel, queryMigrate: record.report.queryMigrate };
}
