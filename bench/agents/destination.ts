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
 * Has `act` done before the guest is paused here for the first time: to be compared, after the migration. What comes then
 * is no part of the migration.
 */
function beforeFirstPause(guest: Guest, act: () => Promise<void>): void {
  const pause = guest.pause.bind(guest);
  guest.pause = async () => {
    guest.pause = pause;
    await act();
    return await pause();
  };
}

/** A function that returns once it was called so many times. */
function meetingOf(count: number): () => Promise<void> {
  let missing = count;
  let begin = () => {};
  const complete = new Promise<void>((resolve) => {
    begin = resolve;
  });
  return async () => {
    missing -= 1;
    if (missing === 0) begin();
    await complete;
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
  const peak = task.peakMemory ? new PeakMemory() : undefined;
  let cpuBefore = 0;
  const look = (guest: Guest): Omit<Arrived, 'type' | 'touches'> => ({
    cpuMs: cpuMs() - cpuBefore,
    timeline: sampler?.stop() ?? null,
    gapsMs: guest instanceof WorkloadGuest ? guest.gapsAroundArrivalMs() : null,
    peakEngineBytes: peak?.stop() ?? null,
    memory: readMemoryUse('self'),
  });
  let seen: ReturnType<typeof look> | undefined;
  // While one of them is still on its way, to compare another would slow it.
  const everybodyIsHere = meetingOf(guests);
  const createGuest: GuestFactory = async (memory, description) => {
    const guest = await build(memory, description);
    if (task.timeline) sampler = watch(destination, guest);
    beforeFirstPause(guest, async () => {
      await everybodyIsHere();
      seen ??= look(guest);
    });
    return guest;
  };
  await rehearse();
  const { prepare = false, ...listen } = options;
  const destination = await Destination.listen({
    ...listen,
    // The namespaces of a bench are nobody else's.
    insecure: true,
    // As many guests as will come, with one region each.
    prepare: prepare ? Array.from({ length: guests }, () => [memoryBytesOf(wanted)]) : [],
    createGuest,
  });
  destination.on('dropped', sendFailure).on('lost', sendFailure);
  destination.once('arriving', () => {
    cpuBefore = cpuMs();
  });
  let arrived = 0;
  const report = async (guest: Guest) => {
    const touches = guest instanceof TouchGuest ? await guest.finished : undefined;
    arrived += 1;
    if (arrived < guests) return;
    if (seen === undefined) throw new Error('the guest was not paused to be compared');
    tell({ type: 'arrived', touches: touches ?? null, ...seen });
  };
  destination.on('arrived', (guest) => report(guest).catch(sendFailure));
  tell({ type: 'listening', port: destination.port });
});
