import { describe, expect, it } from 'vitest';
import type { PageferryError } from '../../src/errors.js';
import { memoryForTrace, WorkloadGuest } from '../../src/guest/workload-guest.js';
import { readTrace } from '../../src/trace/read-trace.js';
import { STRATEGY_NAMES } from '../../src/vocabulary.js';
import { migrate, Receiving } from '../support/destinations.js';
import { expectRunning, expectUnharmed, MIB, startGuest } from '../support/guests.js';
import { sweepingTrace, traceFile } from '../support/traces.js';
import { rejection, until } from '../support/until.js';

const PAGES = 2000;

describe.concurrent('a guest that replays a trace', () => {
  it.each(STRATEGY_NAMES.map((strategy) => ({ strategy })))(
    'moves by $strategy, goes on there, and every page is right',
    async ({ strategy }) => {
      const path = await sweepingTrace(PAGES);
      const receiving = await Receiving.start();
      const guest = await startGuest({
        workload: { kind: 'trace', path },
        memoryBytes: memoryForTrace(await readTrace(path), { kind: 'random' }),
      });
      const report = await migrate(guest, receiving.port, { strategy });
      expect(report.guestVerified).toBe(true);
      expect(report.guest?.workload).toBe('trace');
      const arrived = await receiving.nextArrived();
      await expectRunning(arrived);
      await expectUnharmed(arrived);
    },
  );

  it('writes at the recorded speed', async () => {
    const path = await sweepingTrace(PAGES); // 3000 writes in 200 ms
    const guest = await startGuest({ workload: { kind: 'trace', path }, memoryBytes: 16 * MIB });
    const started = performance.now();
    await until('two rounds', () => guest.probe.observe().operations >= 6000);
    expect(performance.now() - started).toBeGreaterThan(350);
  });

  it('is scaled down to less memory', async () => {
    const path = await sweepingTrace(PAGES);
    const guest = await startGuest({ workload: { kind: 'trace', path }, memoryBytes: MIB });
    await expectRunning(guest);
    await expectUnharmed(guest);
  });

  it('needs room for the trace and for the digests of its fill', async () => {
    const path = await traceFile([{ durationUs: 1000, pages: 512, runs: [0, 512] }]);
    const trace = await readTrace(path);
    expect(memoryForTrace(trace, { kind: 'zero' }) / 4096).toBe(512 + 1);
    expect(memoryForTrace(trace, { kind: 'process', pid: 1 }) / 4096).toBe(512 + 4);
  });

  it.each<[string, object, RegExp]>([
    ['by two threads', { threads: 2 }, /one guest thread/],
    ['at a rate', { writesPerSecond: 5 }, /its own speed/],
    ['in a working set', { workingSetBytes: 4096 }, /no working set/],
    ['in less memory than the trace itself takes', { memoryBytes: 4096 }, /0 of 1 pages/],
  ])('is refused: %s', async (_what, options, why) => {
    const path = await sweepingTrace(PAGES);
    const workload = { kind: 'trace', path } as const;
    const error = await rejection(
      WorkloadGuest.create({ workload, memoryBytes: 16 * MIB, ...options }),
    );
    expect((error as PageferryError).code).toBe('USAGE');
    expect((error as PageferryError).message).toMatch(why);
  });

  it('is refused where nothing was written', async () => {
    const path = await traceFile([{ durationUs: 1000, pages: 512, runs: [] }]);
    const error = await rejection(startGuest({ workload: { kind: 'trace', path } }));
    expect((error as PageferryError).message).toMatch(/no page writes/);
  });
});
