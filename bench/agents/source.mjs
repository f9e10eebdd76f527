// The bench's source: makes one guest, migrates it once, and reports. See lib/pair.mjs.
import { Source, WorkloadGuest } from '../../dist/index.js';
import { readMemoryUse } from '../lib/memory-use.mjs';
import { TouchGuest } from '../lib/touch-guest.mjs';
import { cpuMs, serve } from './agent.mjs';

serve(async ({ guest: wanted, source: options, announcePhases }) => {
  const guest = await (wanted.kind === 'touch'
    ? TouchGuest.create(wanted)
    : WorkloadGuest.create(wanted.options));
  await guest.resume();
  const source = new Source(guest, options);
  // Only where it is asked for: a message to the bench costs time that would count.
  if (announcePhases) source.on('phase', (phase) => process.send({ type: 'phase', phase }));
  const cpuBefore = cpuMs();
  const report = await source.migrate();
  const cpu = cpuMs() - cpuBefore;
  process.send({ type: 'migrated', report, cpuMs: cpu, memory: readMemoryUse('self') });
});
