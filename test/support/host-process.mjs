// A process of its own for tests: holds guests and a destination, and does what its parent asks
// (see hosts.ts). Everything goes through the package's public entry.
import { writeFileSync } from 'node:fs';
import { Destination, Source, WorkloadGuest } from 'pageferry';

const guests = [];

function keep(guest) {
  return guests.push(guest) - 1;
}

function tell(event, details) {
  process.send({ event, ...details });
}

async function listen(options, createGuest) {
  const destination = await Destination.listen({ ...options, createGuest });
  destination.on('arrived', (guest) => tell('arrived', { guest: guests.indexOf(guest) }));
  destination.on('dropped', (error) => tell('dropped', { code: error.code }));
  destination.on('lost', (error, guest) =>
    tell('lost', { code: error.code, guest: guests.indexOf(guest) }),
  );
  destination.on('warning', ({ code, message }) => tell('warning', { code, message }));
  return destination.port;
}

/** A guest that does nothing, on whatever memory. */
class StillGuest {
  constructor(memory) {
    this.memory = memory;
  }
  async pause() {}
  async resume() {}
  async saveState() {
    return new Uint8Array();
  }
  async loadState() {}
  discard() {
    this.memory.release();
  }
}

const methods = {
  /** From here on the process has no privileges. */
  becomeNobody() {
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
  },

  listen: (options) =>
    listen(options, async (memory, description) => {
      const guest = await WorkloadGuest.arrive(memory, description);
      tell('created', { guest: keep(guest) });
      return guest;
    }),

  listenForAnything: (options) => listen(options, async (memory) => new StillGuest(memory)),

  async createGuest(options) {
    const guest = await WorkloadGuest.create(options);
    await guest.resume();
    return keep(guest);
  },

  /** `noThreadFrom`: from this phase on the process can start no thread, by the limit in this file. */
  async migrate(guest, options, noThreadFrom) {
    const source = new Source(guests[guest], options);
    source.on('phase', (phase) => {
      if (phase === noThreadFrom?.phase) writeFileSync(noThreadFrom.limit, '0');
    });
    source.on('phase', (phase) => tell('phase', { phase }));
    source.on('progress', ({ pagesSent }) => tell('progress', { pagesSent }));
    try {
      return { report: await source.migrate() };
    } catch (error) {
      return { code: error.code, message: error.message, report: error.report };
    }
  },

  async operations(guest) {
    return guests[guest].probe.observe().operations;
  },

  async verify(guest) {
    await guests[guest].pause();
    const verification = await guests[guest].probe.verify();
    await guests[guest].resume();
    return verification;
  },

  /** Keeps the event loop busy; answers the guest's operations at the end of each of ten slices. */
  async block(guest, ms) {
    const slices = [];
    const started = performance.now();
    for (let slice = 1; slice <= 10; slice += 1) {
      while (performance.now() - started < (ms * slice) / 10);
      slices.push(guests[guest].probe.observe().operations);
    }
    return slices;
  },
};

process.on('message', async ({ call, method, args }) => {
  try {
    process.send({ call, result: await methods[method](...args) });
  } catch (error) {
    process.send({ call, failure: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));
tell('started', {});
