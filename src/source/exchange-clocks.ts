/** Compares the destination's monotonic clock with ours, over the control channel. */
import { type ClockComparison, type ClockExchange, compareClocks } from '../policy/clock.js';
import type { SourceMigration } from './migration.js';

const CLOCK_EXCHANGES = 8;

/** One exchange shows that a clock is shared. One that is not is estimated, the better the more there are. */
export async function compareWithPeer(m: SourceMigration): Promise<ClockComparison> {
  const first = await exchangeClocks(m, 1);
  const clock = compareClocks(first, m.sameHost);
  if (clock.kind === 'shared') return clock;
  return compareClocks([...first, ...(await exchangeClocks(m, CLOCK_EXCHANGES - 1))], m.sameHost);
}

async function exchangeClocks(m: SourceMigration, count: number): Promise<ClockExchange[]> {
  const exchanges: ClockExchange[] = [];
  for (let i = 0; i < count; i += 1) {
    m.send({ type: 'clock', sentNs: process.hrtime.bigint() });
    const { sentNs, nowNs } = await m.expect('clocked', { withinMs: m.options.stallMs });
    exchanges.push({ sentNs, thereNs: nowNs, receivedNs: process.hrtime.bigint() });
  }
  return exchanges;
}
