// A strategy of your own at work: the one in scenarios/while-it-helps.mjs.
//
//   node examples/own-strategy.mjs
import { Destination, Source, WorkloadGuest } from 'pageferry';
import { strategy } from './scenarios/while-it-helps.mjs';

const destination = await Destination.listen({ createGuest: WorkloadGuest.arrive });
destination.on('arrived', (guest) => guest.discard());

const guest = await WorkloadGuest.create({
  workload: 'hotset',
  memoryBytes: 64 << 20,
  writesPerSecond: 20_000,
  fill: { kind: 'text' },
});
await guest.resume();

const source = new Source(guest, {
  host: '127.0.0.1',
  port: destination.port,
  strategy,
  compression: 'lz4',
  verify: true,
});
source.on('round', ({ pages, dirtyPages }, number) =>
  console.log(`round ${number}: ${pages} pages sent, ${dirtyPages} dirty again`),
);
const report = await source.migrate();
console.log(`${report.strategy}: downtime ${report.downtimeMs.toFixed(2)} ms`);
console.log(report.guestVerified ? 'every page verified' : 'the guest differs');

guest.discard();
await destination.close();
