// The bench's destination: takes one guest. See lib/pair.mjs.
import { Destination, WorkloadGuest } from '../../dist/index.js';
import { readMemoryUse } from '../lib/memory-use.mjs';
import { TouchGuest } from '../lib/touch-guest.mjs';
import { cpuMs, serve } from './agent.mjs';

serve(async ({ guest: wanted, destination: options }) => {
  const failed = (error) =>
    process.send({ type: 'failed', message: `${error.code ?? error.name}: ${error.message}` });
  const createGuest =
    wanted.kind === 'touch'
      ? (memory) => TouchGuest.arrive(memory, wanted, failed)
      : WorkloadGuest.arrive;
  const destination = await Destination.listen({ ...options, createGuest });
  destination.on('dropped', failed).on('lost', failed);
  let cpuBefore = cpuMs();
  destination.on('arriving', () => {
    cpuBefore = cpuMs();
  });
  const report = async (guest) => {
    const touches = (await guest.finished) ?? null;
    const cpu = cpuMs() - cpuBefore;
    process.send({ type: 'arrived', cpuMs: cpu, touches, memory: readMemoryUse('self') });
  };
  destination.on('arrived', (guest) => report(guest).catch(failed));
  process.send({ type: 'listening', port: destination.port });
});
