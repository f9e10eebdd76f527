// Rows that several scenarios have: what a running guest feels of a migration, and what a link makes of it.
import type { MigrationRun } from '../lib/pair.js';
import type { Figure, ScenarioRow } from '../lib/scenario.js';
import { secondsOnTheWire } from '../links/gigabit.js';

/** What the rows' keys and titles begin with. */
export interface Case {
  readonly key: string;
  readonly title: string;
}

export function row(
  { key, title }: Case,
  [suffix, what]: readonly [suffix: string, what: string],
  unit: string,
  atMost?: number,
): ScenarioRow {
  return {
    key: `${key}${suffix}`,
    title: `${title}: ${what}`,
    unit,
    better: 'lower',
    ...(atMost === undefined ? {} : { target: { figure: 'measured', atMost } }),
  };
}

export function guestRows(of: Case, gapAtMost: number): ScenarioRow[] {
  return [
    row(of, ['-downtime', 'downtime'], 'ms'),
    row(of, ['-gap', 'longest gap between marks'], 'ms', gapAtMost),
    row(of, ['-lost', 'time that the guest lost'], 'ms'),
  ];
}

export function guestFigures({ key }: Case, run: MigrationRun): Record<string, Figure> {
  const { guest, downtimeMs, downtimeParts } = run.report;
  if (guest === null) throw new Error('the guest has not told what it felt');
  const { longestGapMs, lostMs, opsPerSecondBefore, opsPerSecondDuring } = guest;
  return {
    [`${key}-downtime`]: { measured: downtimeMs, details: downtimeParts },
    [`${key}-gap`]: {
      measured: longestGapMs,
      details: { longestGapMs, gapsMs: run.destination.gapsMs },
    },
    [`${key}-lost`]: { measured: lostMs, details: { opsPerSecondBefore, opsPerSecondDuring } },
  };
}

/** Over a link of 1 Gbit/s. */
export function gigabitRows(of: Case): ScenarioRow[] {
  return [
    {
      ...row(of, ['-wire', 'total migration time beside that of its bytes alone'], 's'),
      baseline: 'its bytes on the wire ÷ 1 Gbit/s',
      target: { figure: 'ratio', atMost: 1.05 },
    },
    row(of, ['-fault-p50', 'fault latency, p50'], 'ms'),
    row(of, ['-fault-p99', 'fault latency, p99'], 'ms', 2),
    row(of, ['-fault-max', 'fault latency, max'], 'ms', 10),
  ];
}

export function gigabitFigures(
  { key }: Case,
  { totalMs, wireBytes, faultLatencyUs, demandFaultsOverNetwork }: MigrationRun['report'],
): Record<string, Figure> {
  const fault = (us: number): Figure => ({ measured: us / 1000 });
  return {
    [`${key}-wire`]: {
      measured: totalMs / 1000,
      baseline: secondsOnTheWire(wireBytes),
      details: { wireBytes },
    },
    [`${key}-fault-p50`]: { ...fault(faultLatencyUs.p50), details: { demandFaultsOverNetwork } },
    [`${key}-fault-p99`]: fault(faultLatencyUs.p99),
    [`${key}-fault-max`]: fault(faultLatencyUs.max),
  };
}

/** How the rows of gigabitRows are measured. */
export const GIGABIT_HOW =
  'The link is a switch between two network namespaces, whose ports are shaped to 1 Gbit/s (tc tbf), and the engine has no rate limit of its own. Bytes on the wire: those of the page and fault channels, each sent once, with the headers of full frames. Fault latency: from the moment the fault handler reads the fault until the thread is awake.';
