// The bench's destination: takes guests, by default one. See lib/pair.ts.
import {
  Destination,
  type Guest,
  type GuestFactory,
  rehearse,
  WorkloadGuest,
} from '#engine/index.js';
import { nowMs } from '../lib/clock.js';
import { PeakMemory, readMemoryUse } from '../lib/memory-use.js';
import { TouchGuest } from '../lib/touch-guest.js';
import type { DestinationPoint } from '../result/schema.js';
import { cpuMs, sendFailure, serve, tell } from './agent.js';
import { guestFactory, memoryBytesOf } from './guests.js';
import type { Arrived, DestinationTask } from './messages.js';
import { Sampler } from './timeline.js';
import { startWatchdog } from './watchdog.js';

/**
 * Calls back before the guest is paused here for the first time: to be compared page by page, after the
 * migration. What it felt then is no part of the migration.
 */
function beforeFirstPause(guest: Guest, look: () => void): void {
  const pause = guest.pause.bind(guest);
  guest.pause = () => {
    guest.pause = pause;
    look();
    return pause();
  };
}

/** Samples the guest from its arrival on. */
function watch(destination: Destination, guest: Guest): Sampler<DestinationPoint> {
  return new Sampler(() => {
    const operations = guest.probe?.observe().operations ?? null;
    // Before its state is loaded it has done nothing, here or elsewhere.
    if (operations === 0) return undefined;
    return { atMs: nowMs(), demandFaults: destination.progress().demandFaults, operations };
  });
}

serve(async ({ guest: wanted, destination: options, guests, ...task }: DestinationTask) => {
  if (wanted.kind === 'touch') startWatchdog();
  const build = guestFactory(wanted);
  let sampler: Sampler<DestinationPoint> | undefined;
  let seen: Pick<Arrived, 'timeline' | 'gapsMs'> | undefined;
  const look = (guest: Guest) => ({
    timeline: sampler?.stop() ?? null,
    gapsMs: guest instanceof WorkloadGuest ? guest.gapsAroundArrivalMs() : null,
  });
  const createGuest: GuestFactory = async (memory, description) => {
    const guest = await build(memory, description);
    if (task.timeline) sampler = watch(destination, guest);
    beforeFirstPause(guest, () => {
      seen = look(guest);
    });
    return guest;
  };
  await rehearse();
  const { prepare = false, ...listen } = options;
  const destination = await Destination.listen({
    ...listen,
    // As many guests as will come, with one region each.
    prepare: prepare ? Array.from({ length: guests }, () => [memoryBytesOf(wanted)]) : [],
    createGuest,
  });
  destination.on('dropped', sendFailure).on('lost', sendFailure);
  const peak = task.peakMemory ? new PeakMemory() : undefined;
  let cpuBefore: number | undefined;
  destination.on('arriving', () => {
    cpuBefore ??= cpuMs();
  });
  let arrived = 0;
  const report = async (guest: Guest) => {
    const touches = guest instanceof TouchGuest ? await guest.finished : undefined;
    arrived += 1;
    if (arrived < guests) return;
    const cpu = cpuMs() - (cpuBefore ?? 0);
    tell({
      type: 'arrived',
      cpuMs: cpu,
      touches: touches ?? null,
      ...(seen ?? look(guest)),
      peakEngineBytes: peak?.stop() ?? null,
      memory: readMemoryUse('self'),
    });
  };
  destination.on('arrived', (guest) => report(guest).catch(sendFailure));
  tell({ type: 'listening', port: destination.port });
});
