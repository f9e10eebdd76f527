// The bench's destination: takes guests, by default one. See lib/pair.mjs.
import { Destination } from '../../dist/index.js';
import { readMemoryUse } from '../lib/memory-use.mjs';
import { cpuMs, nowMs, sendFailure, serve } from './agent.mjs';
import { guestFactory } from './guests.mjs';
import { Sampler } from './timeline.mjs';
import { startWatchdog } from './watchdog.mjs';

/** Samples the guest from its arrival on. */
function watch(destination, guest) {
  return new Sampler(() => {
    const operations = guest.probe?.observe().operations ?? null;
    // Before its state is loaded it has done nothing, here or elsewhere.
    if (operations === 0) return undefined;
    return { atMs: nowMs(), demandFaults: destination.progress().demandFaults, operations };
  });
}

serve(async ({ guest: wanted, destination: options, guests = 1, timeline }) => {
  if (wanted.kind === 'touch') startWatchdog();
  const build = guestFactory(wanted);
  let sampler;
  const createGuest = async (memory, description) => {
    const guest = await build(memory, description);
    if (timeline) sampler = watch(destination, guest);
    return guest;
  };
  const destination = await Destination.listen({ ...options, createGuest });
  destination.on('dropped', sendFailure).on('lost', sendFailure);
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
      timeline: sampler?.stop() ?? null,
      gaps: guest.gapsAroundArrival?.() ?? null,
      faultLatency: destination.faultLatencyBuckets?.() ?? null,
      memory: readMemoryUse('self'),
    });
  };
  destination.on('arrived', (guest) => report(guest).catch(sendFailure));
  process.send({ type: 'listening', port: destination.port });
});
