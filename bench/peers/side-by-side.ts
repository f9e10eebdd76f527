// What the scenarios share that put QEMU beside Pageferry.
import { recordOf } from '../lib/migration-record.mjs';
import { migrateOnce } from '../lib/pair.mjs';
import { migrateQemu } from './qemu-migration.mjs';
import { accelerator } from './qemu-process.mjs';
import { qemuRecordOf } from './qemu-record.mjs';

/** A migration of ours, as a record of the result file. */
export async function pageferry(label, wanted, { signal, link }) {
  const run = await migrateOnce({ ...wanted, signal, link });
  return recordOf(`${label}: Pageferry`, wanted, run);
}

/** The guest and the migration of ours as QEMU is told them; `more` is what only QEMU knows. */
export function asQemu({ guest, source, destination = {} }, more = {}) {
  const { memoryBytes, workingSetBytes, fill } = guest.options;
  const touched = guest.populate === true ? 'zero' : 'none';
  return {
    guest: { memoryBytes, workingSetBytes, fill: fill.kind === 'random' ? 'random' : touched },
    strategy: source.strategy,
    bandwidthBytesPerSecond: source.bandwidthBytesPerSecond,
    observeMs: source.observeMs,
    populateDestination: destination.prepare === true,
    ...more,
  };
}

/** The same migration by QEMU, as a record. `variant` says how it is told apart. */
export async function qemu(label, variant, wanted, { signal, link, log, warmUp }) {
  if (warmUp && accelerator() === 'tcg') log('there is no /dev/kvm: QEMU translates its guest');
  const run = await migrateQemu({ ...wanted, signal, link });
  return qemuRecordOf(`${label}: ${variant}`, wanted, run);
}

export function cpuSeconds({ cpuSeconds: { source, destination } }) {
  return source + destination;
}

/** What a row tells of each migration that stands in it. */
export function detailsOf(record) {
  const { report, parameters, gapsMs } = record;
  const { totalMs, downtimeMs, wireBytes, guest = null, faultLatencyUs = null } = report;
  const common = { label: record.label, totalMs, downtimeMs, wireBytes, gapsMs, guest };
  if (parameters.engine === 'pageferry') return { ...common, faultLatencyUs };
  const { version, accelerator: accel } = parameters;
  return { ...common, version, accelerator: accel, queryMigrate: report.queryMigrate };
}
