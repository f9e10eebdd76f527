// The bench's source: makes one guest, migrates it once, and reports. See lib/pair.mjs.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { rehearse, Source } from '../../dist/index.js';
import { PeakMemory, readMemoryUse } from '../lib/memory-use.mjs';
import { cpuMs, nowMs, serve } from './agent.mjs';
import { createGuest } from './guests.mjs';
import { Sampler } from './timeline.mjs';

/** Notes what happens when; `stop()` answers it. Times are of the monotonic clock. */
function watch(guest, source) {
  const rounds = [];
  let startedMs = null;
  let pausedMs = null;
  source.on('phase', (phase) => {
    if (phase === 'negotiate') startedMs = nowMs();
    if (phase === 'pause-guest') pausedMs = nowMs();
  });
  source.on('round', ({ pages, dirtyPages, rateBytesPerSecond, ms }) => {
    const endMs = nowMs();
    rounds.push({ startMs: endMs - ms, endMs, pages, dirtyPages, rateBytesPerSecond });
  });
  const sampler = new Sampler(() => {
    const { phase, wireBytes, pagesSent } = source.progress();
    const operations = guest.probe?.observe().operations ?? null;
    return { atMs: nowMs(), phase, wireBytes, pagesSent, operations };
  });
  return { stop: () => ({ source: sampler.stop(), rounds, startedMs, pausedMs }) };
}

/** Operations per second while nothing is migrated, for guests whose own speed has to be known. */
async function observeSpeed(guest, ms) {
  const before = guest.probe.observe().operations;
  const started = nowMs();
  await sleep(ms);
  return ((guest.probe.observe().operations - before) / (nowMs() - started)) * 1000;
}

serve(async ({ guest: wanted, source: options, announcePhases, peakMemory, timeline, speedMs }) => {
  await rehearse();
  const guest = await createGuest(wanted);
  const started = once(process, 'message');
  process.send({ type: 'made' });
  await started;
  await guest.resume();
  const opsPerSecond = speedMs === undefined ? null : await observeSpeed(guest, speedMs);
  const source = new Source(guest, options);
  // Only where it is asked for: a message to the bench costs time that would count.
  if (announcePhases) source.on('phase', (phase) => process.send({ type: 'phase', phase }));
  const watching = timeline ? watch(guest, source) : undefined;
  const peak = peakMemory ? new PeakMemory() : undefined;
  const cpuBefore = cpuMs();
  const report = await source.migrate();
  const cpu = cpuMs() - cpuBefore;
  process.send({
    type: 'migrated',
    report,
    cpuMs: cpu,
    opsPerSecond,
    timeline: watching?.stop() ?? null,
    peakEngineBytes: peak?.stop() ?? null,
    memory: readMemoryUse('self'),
  });
});
