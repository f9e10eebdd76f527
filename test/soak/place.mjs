// One of the two processes of the soak: guests come to it and leave from it. Does what its parent asks.
import { readdirSync } from 'node:fs';
import { Destination, Source, WorkloadGuest } from 'pageferry';

/** The guest that is here, running or given away. */
let guest;
/** What the destination told since it was last asked. */
let told = { arrived: 0, dropped: [], lost: [] };

const destination = await Destination.listen({ createGuest: WorkloadGuest.arrive });
destination.on('arrived', (arrived) => {
  guest = arrived;
  told.arrived += 1;
});
destination.on('dropped', ({ code, message }) => told.dropped.push({ code, message }));
destination.on('lost', ({ code, message }) => told.lost.push({ code, message }));

function cancelLater(source, { phase: wanted, afterMs }, onCancel) {
  const cancel = () => onCancel(source.cancel('the soak cancels'));
  source.on('phase', (phase) => {
    if (phase !== wanted) return;
    if (afterMs === 0) cancel();
    else setTimeout(cancel, afterMs);
  });
}

const methods = {
  port: () => destination.port,

  async create(options) {
    guest = await WorkloadGuest.create(options);
    await guest.resume();
  },

  /** One migration of the guest that is here; `cancelled`: whether it agreed to be. `tee`: where to capture it. */
  async hop({ migration, cancel, ...where }) {
    const source = new Source(guest, { host: '127.0.0.1', ...where, verify: true, ...migration });
    let cancelled = false;
    if (cancel !== null) {
      cancelLater(source, cancel, (taken) => {
        cancelled ||= taken;
      });
    }
    try {
      return { cancelled, report: await source.migrate(), code: null };
    } catch (error) {
      if (error.report === undefined) throw error;
      return { cancelled, report: error.report, code: error.code };
    }
  },

  operations: () => guest.probe.observe().operations,

  async verify() {
    await guest.pause();
    const verification = await guest.probe.verify();
    await guest.resume();
    return verification;
  },

  letGo() {
    guest?.discard();
    guest = undefined;
  },

  /** Returns once no migration is under way; what has become of those since it was last asked. */
  async told() {
    while (destination.migrations > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const before = told;
    told = { arrived: 0, dropped: [], lost: [] };
    return before;
  },

  descriptors: () => readdirSync('/proc/self/fd').length,
};

process.on('message', async ({ method, argument }) => {
  try {
    process.send({ result: await methods[method](argument) });
  } catch (error) {
    process.send({ failure: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));
