// The bench's destination: takes guests, by default one. See lib/pair.mjs.
import { Destination, rehearse } from '../../dist/index.js';
import { PeakMemory, readMemoryUse } from '../lib/memory-use.mjs';
import { cpuMs, nowMs, sendFailure, serve } from './agent.mjs';
import { guestFactory } from './guests.mjs';
import { Sampler } from './timeline.mjs';
import { startWatchdog } from './watchdog.mjs';

/**
 * Calls back before the guest is paused here for the first time: to be compared page by page, after the
 * migration. What it felt then is no part of the migration.
 */
function beforeFirstPause(guest, look) {
  const pause = guest.pause.bind(guest);
  guest.pause = () => {
    guest.pause = pause;
    look();
    return pause();
  };
}

/** As many guests as will come, with one region each. */
function expected({ options, memoryBytes = options.memoryBytes }, guests) {
  return Array.from({ length: guests }, () => [memoryBytes]);
}

/** Samples the guest from its arrival on. */
function watch(destination, guest) {
  return new Sampler(() => {
    const operations = guest.probe?.observe().operations ?? null;
    // Before its state is loaded it has done nothing, here or elsewhere.
    if (operations === 0) return undefined;
    return { atMs: nowMs(), demandFaults: destination.progress().demandFaults, operations };
  });
}

serve(async ({ guest: wanted, destination: options, guests = 1, peakMemory, timeline }) => {
  if (wanted.kind === 'touch') startWatchdog();
  const build = guestFactory(wanted);
  let sampler;
  let seen;
  const look = (guest) => ({
    timeline: sampler?.stop() ?? null,
    gapsMs: guest.gapsAroundArrivalMs?.() ?? null,
  });
  const createGuest = async (memory, description) => {
    const guest = await build(memory, description);
    if (timeline) sampler = watch(destination, guest);
    beforeFirstPause(guest, () => {
      seen = look(guest);
    });
    return guest;
  };
  await rehearse();
  const { prepare, ...listen } = options;
  const destination = await Destination.listen({
    ...listen,
    prepare: prepare ? expected(wanted, guests) : [],
    createGuest,
  });
  destination.on('dropped', sendFailure).on('lost', sendFailure);
  const peak = peakMemory ? new PeakMemory() : undefined;
  let cpuBefore;
  destination.on('arriving', () => {
    cpuBefore ??= cpuMs();
  });
  let arrived = 0;
  const report = async (guest) => {
    const touches = (await guest.finished) ?? null;
    arrived += 1;
    if (arrived < guests) return;
    const cpu = cpuMs() - cpuBefore;
    process.send({
      type: 'arrived',
      cpuMs: cpu,
      touches,
      ...(seen ?? look(guest)),
      peakEngineBytes: peak?.stop() ?? null,
      memory: readMemoryUse('self'),
    });
  };
  destination.on('arrived', (guest) => report(guest).catch(sendFailure));
  process.send({ type: 'listening', port: destination.port });
});
