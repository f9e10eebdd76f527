// Makes the host ready: memory that a virtual machine has never used is several times slower.
import { availableMemory } from '#engine/index.js';
import { runNative } from './native.js';
import type { Scenario } from './scenario.js';

/** Left to everything else while memory is touched. */
const RESERVE_BYTES = 2 ** 30;

/** Touches as much memory as the scenarios will need, but for those that need more than is free; answers the bytes. */
export async function warmMemory(
  scenarios: readonly Scenario[],
  signal: AbortSignal,
): Promise<number> {
  const room = availableMemory().bytes - RESERVE_BYTES;
  const needs = scenarios.map(({ neededBytes }) => neededBytes);
  const bytes = Math.max(0, ...needs.filter((needed) => needed <= room));
  await runNative('warm-memory', [bytes], { signal });
  return bytes;
}
