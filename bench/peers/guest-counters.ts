// What a guest of QEMU's with a tape counts in its own memory.
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { nowMs } from '../lib/clock.js';
import type { QemuSide } from './qemu-side.js';
import { COUNTERS_ADDRESS } from './rom.js';

export type Commanded = Pick<QemuSide, 'execute'>;

export interface Counted {
  readonly atMs: number;
  /** Pages of later snapshots that it has set since it began. */
  readonly operations: number;
  /** Those that did not hold what they must. */
  readonly failures: number;
}

/** `000000000000d000: 0x0000000000000001 0x0000000000000000` */
const TWO_WORDS = /:\s*(0x[0-9a-f]{16})\s+(0x[0-9a-f]{16})/;

const LOOK_EVERY_MS = 10;

export async function countedBy(side: Commanded): Promise<Counted> {
  const line = `xp /2gx ${COUNTERS_ADDRESS}`;
  const said = v.parse(
    v.string(),
    await side.execute('human-monitor-command', { 'command-line': line }),
  );
  const [, operations, failures] = TWO_WORDS.exec(said) ?? [];
  if (operations === undefined || failures === undefined) {
    throw new Error(`QEMU does not tell what its guest counted: ${said.trim()}`);
  }
  return { atMs: nowMs(), operations: Number(operations), failures: Number(failures) };
}

/** Until the guest has done more than that. Rejects when QEMU has gone. */
export async function goesOn(side: Commanded, { operations }: Counted): Promise<void> {
  while ((await countedBy(side)).operations <= operations) await sleep(LOOK_EVERY_MS);
}
