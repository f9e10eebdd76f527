/** Guests written in JavaScript: on the thread that runs the migration, and in a Worker. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import { createGuestMemory } from '../../src/native/machine.js';
import type { GuestMemory } from '../../src/native/memory.js';
import { atEnd } from '../support/at-end.js';
import { failureOf, migrate, Receiving, sourceFor } from '../support/destinations.js';
import { MIB } from '../support/guests.js';
import { Relay } from '../support/relay.js';
import { until } from '../support/until.js';

type Moment = 'created' | 'loading' | 'resuming' | 'never';

/** Takes a window of its memory at some moment. */
class WindowGuest implements Guest {
  runs = false;
  refusal: unknown;
  constructor(
    readonly memory: GuestMemory,
    readonly takesItWhen: Moment,
  ) {
    this.#reached('created');
  }
  async pause(): Promise<void> {
    this.runs = false;
  }
  async resume(): Promise<void> {
    this.#reached('resuming');
    this.runs = true;
  }
  async saveState(): Promise<Uint8Array> {
    return new Uint8Array();
  }
  async loadState(): Promise<void> {
    this.#reached('loading');
  }
  #reached(moment: Moment): void {
    if (moment !== this.takesItWhen) return;
    try {
      this.memory.window(0, 4096);
    } catch (error) {
      this.refusal = error;
    }
  }
}

function sourceGuest(): WindowGuest {
  const memory = createGuestMemory([MIB]);
  atEnd(() => memory.release());
  new Uint8Array(memory.window(0, MIB)).fill(7);
  const guest = new WindowGuest(memory, 'never');
  guest.runs = true;
  return guest;
}

async function receivingGuestsThatTakeIt(when: Moment): Promise<Receiving> {
  return await Receiving.start({ createGuest: async (memory) => new WindowGuest(memory, when) });
}

describe.concurrent('a guest on the thread that runs its migration', () => {
  it.each(['post-copy', 'hybrid'] as const)(
    'is refused %s before a page is sent',
    async (strategy) => {
      const receiving = await receivingGuestsThatTakeIt('created');
      const guest = sourceGuest();
      const error = await failureOf(migrate(guest, receiving.port, { strategy }));
      expect(error).toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/JavaScript thread.*Worker/),
        report: { guestLocation: 'source', pagesSent: 0 },
      });
      expect(guest.runs).toBe(true);
    },
  );

  it('is refused before the commit point when it becomes one after it was created', async () => {
    const receiving = await receivingGuestsThatTakeIt('loading');
    const guest = sourceGuest();
    const error = await failureOf(migrate(guest, receiving.port, { strategy: 'post-copy' }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', report: { guestLocation: 'source' } });
    expect(error.message).toMatch(/JavaScript thread.*Worker/);
    expect(guest.runs).toBe(true);
  });

  it.each(['pre-copy', 'stop-and-copy'] as const)('arrives by %s', async (strategy) => {
    const receiving = await receivingGuestsThatTakeIt('created');
    await migrate(sourceGuest(), receiving.port, { strategy });
    const { memory } = await receiving.nextArrived();
    expect(new Uint8Array(memory.window(MIB - 1, 1))).toEqual(Uint8Array.of(7));
  });

  it('gets no window while pages are on their way, and gets one when all are here', async () => {
    const receiving = await receivingGuestsThatTakeIt('resuming');
    await migrate(sourceGuest(), receiving.port, { strategy: 'post-copy' });
    const arrived = (await receiving.nextArrived()) as WindowGuest;
    expect(arrived.refusal).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/JavaScript thread.*Worker/),
    });
    expect(new Uint8Array(arrived.memory.window(MIB - 1, 1))).toEqual(Uint8Array.of(7));
  });
});

describe.concurrent('a window that is posted to a Worker', () => {
  it.each(['window', 'workerWindow'] as const)('is the same memory there: %s', async (kind) => {
    const memory = createGuestMemory([MIB]);
    atEnd(() => memory.release());
    const code =
      "const { workerData } = require('node:worker_threads'); new Uint8Array(workerData)[5000] = 42;";
    await once(new Worker(code, { eval: true, workerData: memory[kind](0, MIB) }), 'exit');
    expect(new Uint8Array(memory.window(5000, 1))).toEqual(Uint8Array.of(42));
  });

  it('is never transferred in silence', () => {
    const memory = createGuestMemory([MIB]);
    atEnd(() => memory.release());
    const window = memory.window(0, MIB);
    const { port1 } = new MessageChannel();
    atEnd(() => port1.close());
    // An ArrayBuffer of ours would be copied here, and what the receiver writes would be lost.
    expect(() => port1.postMessage(window, [window as unknown as ArrayBuffer])).toThrow();
  });

  it('keeps the memory for as long as the Worker has it', async () => {
    const memory = createGuestMemory([MIB]);
    const code =
      "const { parentPort, workerData } = require('node:worker_threads'); parentPort.once('message', () => parentPort.postMessage(new Uint8Array(workerData).fill(9)[MIB - 1]));".replace(
        'MIB',
        String(MIB),
      );
    const worker = new Worker(code, { eval: true, workerData: memory.workerWindow(0, MIB) });
    await once(worker, 'online');
    memory.release();
    worker.postMessage('go');
    expect(await once(worker, 'message')).toEqual([9]);
    await worker.terminate();
  });
});

describe.concurrent('a process whose guest waits in a Worker for pages that will not come', () => {
  it.each([
    ['cut', 1000],
    ['freeze', 600_000],
  ] as const)('can end: %s', async (how, stallMs) => {
    const path = new URL('../support/worker-guest-host.mjs', import.meta.url);
    const child = fork(path, [String(stallMs)]);
    atEnd(() => void child.kill('SIGKILL'));
    const said: unknown[] = [];
    child.on('message', (message) => said.push(message));
    await until('it listens', () => said.length > 0);
    const relay = await Relay.start(said[0] as number);
    relay.onMessage = (type) => {
      if (type === 'running') relay[how]();
      return 'pass';
    };
    // So slow that hardly a page comes by itself before the link breaks.
    const options = {
      strategy: 'post-copy',
      bandwidthBytesPerSecond: 4096,
      stallMs: 1000,
    } as const;
    await failureOf(sourceFor(sourceGuest(), relay.port, options).migrate());
    expect(said).toContain('resumed');
    if (how === 'cut') await until('it says that the guest is lost', () => said.includes('lost'));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
