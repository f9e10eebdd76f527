// A strategy of your own: rounds for as long as each leaves fewer dirty pages than the one before, then
// post-copy. A strategy only ever says what comes next; everything else is done for it.
//
//   node examples/own-strategy.mjs
import { Destination, Source, WorkloadGuest } from 'pageferry';

const whileItHelps = {
  name: 'while-it-helps',
  mayServeFaults: true, // It ends in post-copy, so the destination must be able to serve faults.
  next(rounds) {
    const [last, before] = [rounds.at(-1), rounds.at(-2)];
    if (last === undefined) return 'next-round';
    const helped = before === undefined || last.dirtyPages < before.dirtyPages / 2;
    return helped && last.dirtyPages > 0 ? 'next-round' : 'post-copy';
  },
};

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
  strategy: whileItHelps,
  codec: 'lz4',
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
