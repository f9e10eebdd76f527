/** What can be known to fail before a guest is made: said at once, and not after its memory was filled. */
import { accessSync, constants, existsSync } from 'node:fs';
import { PageferryError } from '../errors.js';
import { availableMemory, costOfPopulating, describeBound } from '../host/memory.js';
import type { Fill, WorkloadOptions } from '../index.js';
import { exactBytes, formatBytes } from '../units.js';

/** Throws USAGE. `copies`: how many of this guest's memory this host must hold at once. */
export function checkGuest(guest: WorkloadOptions, copies: number): void {
  const { memoryBytes, workingSetBytes } = guest;
  if (workingSetBytes !== undefined && workingSetBytes > memoryBytes) {
    throw new PageferryError(
      'USAGE',
      `--wss ${exactBytes(workingSetBytes)} is more than --memory ${exactBytes(memoryBytes)}: give as much or less`,
    );
  }
  if (guest.fill !== undefined) checkFill(guest.fill);
  const goesThrough = typeof guest.workload !== 'string' && guest.workload.kind === 'snapshots';
  if (goesThrough && guest.fill?.kind !== 'image') {
    throw new PageferryError(
      'USAGE',
      '--workload snapshots goes through those of an image: give --fill image:FILE',
    );
  }
  checkMemory(guest, copies);
}

function checkFill(fill: Fill): void {
  if (fill.kind === 'file' || fill.kind === 'image') {
    try {
      accessSync(fill.path, constants.R_OK);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new PageferryError(
        'USAGE',
        `--fill ${fill.kind}:${fill.path} cannot be read: ${reason}`,
      );
    }
  }
  if (fill.kind === 'process' && !existsSync(`/proc/${fill.pid}`)) {
    throw new PageferryError('USAGE', `--fill pid:${fill.pid}: no such process is running`);
  }
}

/** What the guest will really use: memory that nobody writes costs nothing. */
function bytesInUse({ fill, workload, memoryBytes, workingSetBytes }: WorkloadOptions): number {
  if (fill !== undefined && fill.kind !== 'zero') return memoryBytes;
  return workload === 'idle' ? 0 : (workingSetBytes ?? memoryBytes);
}

function checkMemory(guest: WorkloadOptions, copies: number): void {
  const needed = costOfPopulating(bytesInUse(guest)) * copies;
  const available = availableMemory();
  if (needed <= available.bytes) return;
  const both = copies > 1 ? ' for the guest on both sides' : '';
  throw new PageferryError(
    'USAGE',
    `--memory ${exactBytes(guest.memoryBytes)} takes ${formatBytes(needed)}${both} and ${describeBound(available)} leaves ${formatBytes(available.bytes)}: give less`,
  );
}
