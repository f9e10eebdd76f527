// The bench's source: makes one guest, migrates it once, and reports. See lib/pair.ts.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Guest, rehearse, Source, type SourceOptions } from '#engine/index.js';
import { limitBlockPages } from '../lib/block-pages.js';
import { nowMs } from '../lib/clock.js';
import { PeakMemory, readMemoryUse } from '../lib/memory-use.js';
import type { Round, SourcePoint } from '../result/schema.js';
import { cpuMs, serve, tell } from './agent.js';
import { createGuest } from './guests.js';
import type { SourceTask, SourceTimeline, WantedStrategy } from './messages.js';
import { Sampler } from './timeline.js';

/** Notes what happens when; `stop()` answers it. */
function watch(guest: Guest, source: Source): { stop(): SourceTimeline } {
  const rounds: Round[] = [];
  let startedMs: number | null = null;
  let pausedMs: number | null = null;
  source.on('phase', (phase) => {
    if (phase === 'negotiate') startedMs = nowMs();
    if (phase === 'pause-guest') pausedMs = nowMs();
  });
  source.on('round', ({ pages, dirtyPages, rateBytesPerSecond, ms }) => {
    const endMs = nowMs();
    rounds.push({ startMs: endMs - ms, endMs, pages, dirtyPages, rateBytesPerSecond });
  });
  const sampler = new Sampler<SourcePoint>(() => {
    const { phase, wireBytes, pagesSent } = source.progress();
    const operations = guest.probe?.observe().operations ?? null;
    return { atMs: nowMs(), phase, wireBytes, pagesSent, operations };
  });
  return { stop: () => ({ source: sampler.stop(), rounds, startedMs, pausedMs }) };
}

/** Operations per second while nothing is migrated, for guests whose own speed has to be known. */
async function observeSpeed({ probe }: Guest, ms: number): Promise<number> {
  if (probe === undefined) throw new Error('a guest without a probe has no speed to be measured');
  const before = probe.observe().operations;
  const started = nowMs();
  await sleep(ms);
  return ((probe.observe().operations - before) / (nowMs() - started)) * 1000;
}

async function load(strategy: WantedStrategy): Promise<SourceOptions['strategy']> {
  return typeof strategy === 'string' ? strategy : (await import(strategy.module)).strategy;
}

serve(async ({ guest: wanted, source: told, speedMs, ...task }: SourceTask) => {
  const { blockPages, ...options } = told;
  await rehearse();
  if (blockPages !== undefined) limitBlockPages(blockPages);
  const guest = await createGuest(wanted);
  const strategy = await load(options.strategy);
  const started = once(process, 'message');
  tell({ type: 'made' });
  await started;
  await guest.resume();
  const opsPerSecond = speedMs === undefined ? null : await observeSpeed(guest, speedMs);
  const source = new Source(guest, { ...options, insecure: true, strategy });
  // Only where it is asked for: a message to the bench costs time that would count.
  if (task.announcePhases) source.on('phase', (phase) => tell({ type: 'phase', phase }));
  const watching = task.timeline ? watch(guest, source) : undefined;
  const peak = task.peakMemory ? new PeakMemory() : undefined;
  const cpuBefore = cpuMs();
  const report = await source.migrate();
  const cpu = cpuMs() - cpuBefore;
  tell({
    type: 'migrated',
    report,
    cpuMs: cpu,
    opsPerSecond,
    timeline: watching?.stop() ?? null,
    peakEngineBytes: peak?.stop() ?? null,
    memory: readMemoryUse('self'),
  });
});
