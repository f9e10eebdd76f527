/**
 * The failure table in docs/protocol.md, section 4: a cut at that moment, and who may run. Its rows about a side that is
 * alive are elsewhere: deadlines in destination/deadlines.test.ts and switchover-deadlines.test.ts, guests that cannot
 * be built, loaded or resumed in destination/guests.test.ts and taken-back.test.ts, cancels in cancel.test.ts.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Guest } from '../../src/guest/guest.js';
import type { WorkloadGuest, WorkloadOptions } from '../../src/guest/workload-guest.js';
import type { SourceOptions } from '../../src/source/options.js';
import type { Source } from '../../src/source/source.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { failureOf, Receiving, sourceFor } from '../support/destinations.js';
import { expectRunning, expectStill, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { Host } from '../support/hosts.js';
import { Relay } from '../support/relay.js';
import { until } from '../support/until.js';

/** Slow enough that a migration of 16 MiB is sure to be under way when something is cut. */
const SLOW = { bandwidthBytesPerSecond: 4 * MIB } as const;
const SOON = 256 << 10;
/** Writes so little that hardly a page is too hot to be sent in a round. */
const CALM = { writesPerSecond: 100 } as const;
/** Writes a good part of its pages during a slow round, and leaves the core to the tests beside it. */
const STEADY = { writesPerSecond: 1000 } as const;
/** Signs of life come every second. */
const SHORT_STALL_MS = 2500;

interface Scene {
  readonly receiving: Receiving;
  readonly relay: Relay;
  readonly guest: WorkloadGuest;
  readonly source: Source;
}

/** A guest that runs, a destination, and between them what will break. */
async function scene(
  options: Partial<SourceOptions>,
  stallMs = 30_000,
  guestOptions: Partial<WorkloadOptions> = STEADY,
): Promise<Scene> {
  const receiving = await Receiving.start({ stallMs });
  const relay = await Relay.start(receiving.port);
  const guest = await startGuest(guestOptions);
  return { receiving, relay, guest, source: sourceFor(guest, relay.port, { stallMs, ...options }) };
}

/** The guest never left: it runs here, unharmed, and the destination has nothing of it. */
async function expectGuestOnSource({ receiving, guest }: Scene): Promise<void> {
  await expectUnharmed(guest);
  await receiving.nextDropped();
  expect(receiving.arrived).toEqual([]);
  expect(receiving.lost).toEqual([]);
  expect(receiving.destination.migrations).toBe(0);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Every thread of the guest waits for a page that never comes. */
async function expectBlockedForEver(guest: Guest): Promise<void> {
  let operations = -1;
  await until('the guest is blocked', async () => {
    const before = operations;
    operations = guest.probe?.observe().operations ?? 0;
    await expectNothingFor50Ms();
    return operations === before;
  });
  // Nothing that holds the memory's registration may be lost to the garbage collector.
  collectGarbage();
  await expectStill(guest);
}

async function expectNothingFor50Ms(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
}

describe.concurrent('any channel, before switchover', () => {
  describe.each(['pre-copy', 'hybrid', 'stop-and-copy'] as const)('(%s)', (strategy) => {
    it.each(['control', 'page', undefined] as const)(
      'cut: %s. The source keeps the guest',
      async (role) => {
        const broken = await scene({ strategy, ...SLOW, channels: 2 }, 30_000, CALM);
        broken.relay.onPageBytes = (total) => {
          if (total > SOON) broken.relay.cut(role);
        };
        const error = await failureOf(broken.source.migrate());
        expect(error).toMatchObject({
          code: 'PEER_GONE',
          report: { outcome: 'failed', guestLocation: 'source', downtimeMs: null },
        });
        await expectGuestOnSource(broken);
      },
    );
  });

  it.each(['hybrid', 'post-copy'] as const)(
    'cut: fault, which %s will need. The source keeps the guest',
    async (strategy) => {
      const broken = await scene({ strategy });
      broken.source.on('phase', (phase) => {
        if (phase === 'copy-rounds') broken.relay.cut('fault');
      });
      const error = await failureOf(broken.source.migrate());
      expect(error).toMatchObject({ code: 'PEER_GONE', report: { guestLocation: 'source' } });
      await expectGuestOnSource(broken);
    },
  );

  it.each(['pre-copy', 'stop-and-copy'] as const)(
    'frozen: all (%s). The source keeps the guest',
    async (strategy) => {
      const broken = await scene({ strategy, ...SLOW }, SHORT_STALL_MS, CALM);
      broken.relay.onPageBytes = (total) => {
        if (total > SOON) broken.relay.freeze();
      };
      const error = await failureOf(broken.source.migrate());
      expect(error).toMatchObject({ code: 'PEER_SILENT', report: { guestLocation: 'source' } });
      await expectGuestOnSource(broken);
    },
  );

  it('frozen: page. The source keeps the guest', async () => {
    const broken = await scene({ strategy: 'stop-and-copy' }, SHORT_STALL_MS);
    broken.relay.onPageBytes = () => broken.relay.freeze('page');
    const error = await failureOf(broken.source.migrate());
    expect(error).toMatchObject({ code: 'PEER_SILENT', report: { guestLocation: 'source' } });
    await expectGuestOnSource(broken);
  });
});

describe.concurrent('the destination, before switchover', () => {
  it('killed: the source keeps the guest', async () => {
    const there = await Host.start();
    const guest = await startGuest(CALM);
    const source = sourceFor(guest, await there.listen(), { strategy: 'pre-copy', ...SLOW });
    source.on('progress', ({ pagesSent }) => {
      if (pagesSent > 0) void there.kill();
    });
    const error = await failureOf(source.migrate());
    expect(error).toMatchObject({ code: 'PEER_GONE', report: { guestLocation: 'source' } });
    await expectUnharmed(guest);
  });

  it('stopped: the source keeps the guest, and the destination serves the next when it goes on', async () => {
    const there = await Host.start();
    const port = await there.listen();
    const guest = await startGuest(CALM);
    const source = sourceFor(guest, port, {
      strategy: 'pre-copy',
      ...SLOW,
      stallMs: SHORT_STALL_MS,
    });
    source.on('progress', ({ pagesSent }) => {
      if (pagesSent > 0) there.signal('SIGSTOP');
    });
    const error = await failureOf(source.migrate());
    expect(error).toMatchObject({ code: 'PEER_SILENT', report: { guestLocation: 'source' } });
    await expectUnharmed(guest);
    there.signal('SIGCONT');
    await there.event('dropped');
    expect(await sourceFor(guest, port).migrate()).toMatchObject({ guestVerified: true });
  });
});

describe.concurrent('any channel, from switchover to the commit point', () => {
  describe.each(['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const)(
    '(%s)',
    (strategy) => {
      it.each(['switchover', 'ready'])(
        'cut instead of %s: the source resumes the guest',
        async (message) => {
          const broken = await scene({ strategy });
          broken.relay.onMessage = (type) => {
            if (type !== message) return 'pass';
            broken.relay.cut();
            return 'swallow';
          };
          const error = await failureOf(broken.source.migrate());
          expect(error).toMatchObject({
            code: 'PEER_GONE',
            report: { outcome: 'failed', guestLocation: 'source', downtimeMs: null },
          });
          await expectGuestOnSource(broken);
        },
      );
    },
  );

  it('the destination killed instead of ready: the source resumes the guest', async () => {
    const there = await Host.start();
    const relay = await Relay.start(await there.listen());
    relay.onMessage = (type) => {
      if (type !== 'ready') return 'pass';
      void there.kill();
      return 'swallow';
    };
    const guest = await startGuest(STEADY);
    const error = await failureOf(sourceFor(guest, relay.port, { strategy: 'hybrid' }).migrate());
    expect(error).toMatchObject({ code: 'PEER_GONE', report: { guestLocation: 'source' } });
    await expectUnharmed(guest);
  });
});

describe.concurrent('the source, before the commit point', () => {
  it.each(['pre-copy', 'stop-and-copy'] as const)(
    'killed while pages move (%s): the destination drops the memory',
    async (strategy) => {
      const receiving = await Receiving.start();
      const here = await Host.start();
      const guest = await here.createGuest({
        workload: 'uniform',
        memoryBytes: 16 * MIB,
        fill: { kind: 'random' },
        ...STEADY,
      });
      const options = { host: '127.0.0.1', port: receiving.port, strategy, ...SLOW };
      here.migrate(guest, options).catch(() => {});
      await here.event('progress', ({ pagesSent = 0 }) => pagesSent > 0);
      await here.kill();
      expect(await receiving.nextDropped()).toMatchObject({ code: 'PEER_GONE' });
    },
  );

  it.each(['post-copy', 'stop-and-copy'] as const)(
    'killed when the destination is ready (%s): the guest never runs there',
    async (strategy) => {
      const receiving = await Receiving.start();
      const relay = await Relay.start(receiving.port);
      const here = await Host.start();
      relay.onMessage = (type) => {
        if (type !== 'ready') return 'pass';
        void here.kill();
        return 'swallow';
      };
      const guest = await here.createGuest({
        workload: 'uniform',
        memoryBytes: 8 * MIB,
        ...STEADY,
      });
      here.migrate(guest, { host: '127.0.0.1', port: relay.port, strategy }).catch(() => {});
      expect(await receiving.nextDropped()).toMatchObject({ code: 'PEER_GONE' });
      expect(receiving.arrived).toEqual([]);
    },
  );
});

describe.concurrent('ready', () => {
  it.each(['stop-and-copy', 'post-copy'] as const)(
    'never comes, while the peer is alive (%s): the source resumes the guest',
    async (strategy) => {
      const broken = await scene({ strategy, stallMs: SHORT_STALL_MS });
      broken.relay.onMessage = (type) => (type === 'ready' ? 'swallow' : 'pass');
      const error = await failureOf(broken.source.migrate());
      expect(error).toMatchObject({ code: 'PEER_SILENT', report: { guestLocation: 'source' } });
      await expectGuestOnSource(broken);
    },
  );
});

describe.concurrent('the control channel, after the commit point', () => {
  it.each(['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const)(
    'cut before resume arrives (%s): nobody runs the guest',
    async (strategy) => {
      const broken = await scene({ strategy });
      broken.relay.onMessage = (type) => {
        if (type !== 'resume') return 'pass';
        broken.relay.cut();
        return 'swallow';
      };
      const error = await failureOf(broken.source.migrate());
      expect(error).toMatchObject({
        code: 'SWITCHOVER_UNCONFIRMED',
        report: { outcome: 'failed', guestLocation: 'unknown', downtimeMs: null },
      });
      await expectStill(broken.guest);
      await broken.receiving.nextDropped();
      expect(broken.receiving.arrived).toEqual([]);
    },
  );

  it.each(['stop-and-copy', 'pre-copy'] as const)(
    'cut before running arrives, all pages there (%s): the destination runs the guest',
    async (strategy) => {
      const { receiving, relay, guest, source } = await scene({ strategy });
      relay.onMessage = (type) => {
        if (type !== 'running') return 'pass';
        relay.cut();
        return 'swallow';
      };
      const error = await failureOf(source.migrate());
      expect(error).toMatchObject({
        code: 'SWITCHOVER_UNCONFIRMED',
        report: { outcome: 'failed', guestLocation: 'unknown' },
      });
      await expectUnharmed(await receiving.nextArrived());
      await expectStill(guest);
    },
  );

  it('frozen before running arrives: the source does not wait for ever, and keeps the guest paused', async () => {
    const { relay, guest, source } = await scene({ strategy: 'stop-and-copy' }, SHORT_STALL_MS);
    relay.onMessage = (type) => (type === 'running' ? 'swallow' : 'pass');
    const error = await failureOf(source.migrate());
    expect(error.code).not.toBe('INTERNAL');
    expect(error.report).toMatchObject({ outcome: 'failed', guestLocation: 'unknown' });
    await expectStill(guest);
  });
});

describe.concurrent('post-copy, after resume arrived and before running arrived', () => {
  it.each(['post-copy', 'hybrid'] as const)(
    'cut (%s): nobody runs the guest, which never sees a page that is not its own',
    async (strategy) => {
      const { receiving, relay, guest, source } = await scene({ strategy, ...SLOW });
      relay.onMessage = (type) => {
        if (type !== 'running') return 'pass';
        relay.cut();
        return 'swallow';
      };
      expect(await failureOf(source.migrate())).toMatchObject({
        code: 'SWITCHOVER_UNCONFIRMED',
        report: { outcome: 'failed', guestLocation: 'unknown', downtimeMs: null },
      });
      const lost = await receiving.nextLost();
      expect(lost.error.code).toBe('POSTCOPY_LOST');
      await expectStill(guest);
      await expectBlockedForEver(lost.guest);
      expect(receiving.arrived).toEqual([]);
      await receiving.expectServesNext();
    },
  );
});

describe.concurrent('post-copy, after running and before complete', () => {
  const lostOnSource = {
    code: 'POSTCOPY_LOST',
    report: { outcome: 'failed', guestLocation: 'lost' },
  };

  describe.each(['post-copy', 'hybrid'] as const)('(%s)', (strategy) => {
    it.each(['control', 'page', 'fault', undefined] as const)(
      'cut: %s. Nobody runs the guest, which never sees a page that is not its own',
      async (role) => {
        const { receiving, relay, guest, source } = await scene({ strategy, ...SLOW, channels: 2 });
        source.on('phase', (phase) => {
          if (phase === 'push-residual-set') relay.cut(role);
        });
        expect(await failureOf(source.migrate())).toMatchObject(lostOnSource);
        const lost = await receiving.nextLost();
        expect(lost.error.code).toBe('POSTCOPY_LOST');
        await expectStill(guest);
        await expectBlockedForEver(lost.guest);
        expect(receiving.arrived).toEqual([]);
      },
    );
  });

  it('frozen: all. Nobody runs the guest', async () => {
    const { receiving, relay, guest, source } = await scene(
      { strategy: 'post-copy', ...SLOW },
      SHORT_STALL_MS,
    );
    source.on('phase', (phase) => {
      if (phase === 'push-residual-set') relay.freeze();
    });
    expect(await failureOf(source.migrate())).toMatchObject(lostOnSource);
    expect((await receiving.nextLost()).error.code).toBe('POSTCOPY_LOST');
    await expectStill(guest);
  });

  it('frozen: fault, with pages on their way. Nobody waits for ever', async () => {
    const { receiving, relay, guest, source } = await scene(
      { strategy: 'post-copy', ...SLOW },
      SHORT_STALL_MS,
      { ...STEADY, threads: 8 },
    );
    relay.swallowAnswers = true;
    expect(await failureOf(source.migrate())).toMatchObject(lostOnSource);
    expect((await receiving.nextLost()).error.code).toBe('POSTCOPY_LOST');
    await expectStill(guest);
  });

  it('the source killed: the guest on the destination is lost, and blocks', async () => {
    const receiving = await Receiving.start();
    const here = await Host.start();
    const guest = await here.createGuest({
      workload: 'uniform',
      memoryBytes: 16 * MIB,
      fill: { kind: 'random' },
      ...STEADY,
    });
    const options = {
      host: '127.0.0.1',
      port: receiving.port,
      strategy: 'post-copy',
      ...SLOW,
    } as const;
    here.migrate(guest, options).catch(() => {});
    await here.event('phase', ({ phase }) => phase === 'push-residual-set');
    await here.kill();
    const lost = await receiving.nextLost();
    expect(lost.error.code).toBe('POSTCOPY_LOST');
    await expectBlockedForEver(lost.guest);
  });
});

describe.concurrent('the destination, after running', () => {
  it('killed with pages still to be sent: the guest is lost', async () => {
    const there = await Host.start();
    const guest = await startGuest(STEADY);
    const source = sourceFor(guest, await there.listen(), { strategy: 'post-copy', ...SLOW });
    source.on('phase', (phase) => {
      if (phase === 'push-residual-set') void there.kill();
    });
    const error = await failureOf(source.migrate());
    expect(error).toMatchObject({ code: 'POSTCOPY_LOST', report: { guestLocation: 'lost' } });
    await expectStill(guest);
  });

  it.each(['stop-and-copy', 'post-copy'] as const)(
    'killed when every page was sent (%s): the source does not know',
    async (strategy) => {
      const there = await Host.start();
      const relay = await Relay.start(await there.listen());
      const guest = await startGuest(STEADY);
      const source = sourceFor(guest, relay.port, { strategy });
      let finishing = false;
      source.on('phase', (phase) => {
        finishing ||= phase === 'finish';
      });
      relay.onMessage = (type) => {
        if (type !== 'complete') return 'pass';
        // `complete` may be quicker than the phase in which it is waited for.
        void until('every page was sent', () => finishing).then(() => there.kill());
        return 'swallow';
      };
      const error = await failureOf(source.migrate());
      expect(error).toMatchObject({
        code: 'DESTINATION_LOST',
        report: { guestLocation: 'unknown' },
      });
      await expectStill(guest);
    },
  );
});

describe.concurrent('anything, after complete', () => {
  it.each(['stop-and-copy', 'pre-copy', 'post-copy', 'hybrid'] as const)(
    'cut (%s): the destination runs the guest',
    async (strategy) => {
      const { receiving, relay, guest, source } = await scene({ strategy });
      relay.onMessage = (type) => {
        if (type !== 'verify') return 'pass';
        relay.cut();
        return 'swallow';
      };
      const error = await failureOf(source.migrate());
      expect(error.code).toBe('PEER_GONE');
      expect(error.report).toMatchObject({ outcome: 'completed', guestLocation: 'destination' });
      expect(error.report.downtimeMs).toBeGreaterThan(0);
      await expectUnharmed(await receiving.nextArrived());
      await expectStill(guest);
    },
  );

  it('the source killed: the destination runs the guest', async () => {
    const receiving = await Receiving.start();
    const relay = await Relay.start(receiving.port);
    const here = await Host.start();
    relay.onMessage = (type) => {
      if (type === 'verify') void here.kill();
      return 'pass';
    };
    const guest = await here.createGuest({ workload: 'uniform', memoryBytes: 8 * MIB, ...STEADY });
    const options = {
      host: '127.0.0.1',
      port: relay.port,
      strategy: 'hybrid',
      verify: true,
    } as const;
    here.migrate(guest, options).catch(() => {});
    const arrived = await receiving.nextArrived();
    await expectRunning(arrived);
    await expectUnharmed(arrived);
  });
});

describe.concurrent('one destination', () => {
  const atOnce = (what: (relay: Relay) => void) => (relay: Relay, source: Source) => {
    source.on('phase', (phase) => {
      if (phase === 'push-residual-set') what(relay);
    });
  };
  const onPages = (what: (relay: Relay) => void) => (relay: Relay) => {
    relay.onPageBytes = (total) => {
      if (total > SOON) what(relay);
    };
  };
  const insteadOf = (message: string) => (relay: Relay) => {
    relay.onMessage = (type) => {
      if (type !== message) return 'pass';
      relay.cut();
      return 'swallow';
    };
  };
  /** Every kind of failure of the tests above. */
  const failures: readonly (readonly [
    strategy: SourceOptions['strategy'],
    arrange: (relay: Relay, source: Source) => void,
    stallMs?: number,
  ])[] = [
    ...([undefined, 'control', 'page'] as const).map(
      (role) => ['pre-copy', onPages((relay) => relay.cut(role))] as const,
    ),
    ...['switchover', 'ready', 'resume', 'running', 'verify'].map(
      (message) => ['stop-and-copy', insteadOf(message)] as const,
    ),
    ...([undefined, 'control', 'page', 'fault'] as const).map(
      (role) => ['post-copy', atOnce((relay) => relay.cut(role))] as const,
    ),
    ['pre-copy', onPages((relay) => relay.freeze()), SHORT_STALL_MS],
    ['post-copy', atOnce((relay) => relay.freeze()), SHORT_STALL_MS],
  ];

  it('that went through every one of these failures takes an honest guest', async () => {
    const receiving = await Receiving.start({ stallMs: SHORT_STALL_MS });
    const ends = failures.map(async ([strategy, arrange, stallMs]) => {
      const relay = await Relay.start(receiving.port);
      // Only those that wait for a silent peer are to give up soon: many at once are slow to connect.
      const options = { ...SLOW, strategy, channels: 2, ...(stallMs && { stallMs }) };
      const source = sourceFor(await startGuest(CALM), relay.port, options);
      arrange(relay, source);
      return await failureOf(source.migrate());
    });
    await Promise.all(ends);
    for (const strategy of STRATEGY_NAMES) await receiving.expectServesNext(strategy);
    const { dropped, lost, arrived } = receiving;
    await until(
      'every one of them has reached the destination and is over there',
      () => dropped.length + lost.length + arrived.length === failures.length,
    );
  });
});
