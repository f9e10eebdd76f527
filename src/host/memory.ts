/** How much memory this process may still take: the one figure that admission, preflight and doctor share. */

import { PageferryError } from '../errors.js';
import { PAGE_BYTES } from '../units.js';
import { cgroupRoom } from './cgroup.js';
import { HostFiles } from './files.js';

/** In bytes, without swapping, and what bounds it: `where` is the file that says so. */
export interface AvailableMemory {
  readonly bytes: number;
  readonly boundBy: 'host' | 'cgroup';
  readonly where: string;
}

const MEMINFO = '/proc/meminfo';
/** Stays free for everything that is not a guest, this process's own growth among it. */
const KEPT_BYTES = 64 << 20;
/** The kernel's own for a populated page, rounded up: entries in two page tables and in the file's tree. */
const KERNEL_BYTES_PER_PAGE = 32;

/** What populating so many bytes of guest memory takes in all. */
export function costOfPopulating(bytes: number): number {
  return bytes + (bytes / PAGE_BYTES) * KERNEL_BYTES_PER_PAGE;
}

/** MemAvailable, in bytes, from the text of /proc/meminfo. */
export function parseMemAvailable(meminfo: string): number | undefined {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** What can be known of the memory here: the figure, or why there is none and what to do about it. */
export type MemoryReading =
  | { readonly kind: 'known'; readonly memory: AvailableMemory }
  | {
      readonly kind: 'unknown';
      readonly code: 'UNSUPPORTED' | 'SYSTEM';
      readonly reason: string;
      readonly remedy: string;
    };

function unknown(reason: string, remedy: string): MemoryReading {
  return { kind: 'unknown', code: 'UNSUPPORTED', reason, remedy };
}

function read(files: HostFiles): MemoryReading {
  const meminfo = files.read(MEMINFO);
  if (meminfo === undefined) {
    return unknown(
      `cannot tell how much memory is free: ${MEMINFO} is not there, as where /proc is mounted with subset=pid`,
      'Mount /proc without that option, or start the destination with --overcommit',
    );
  }
  const onHost = parseMemAvailable(meminfo);
  if (onHost === undefined) {
    return unknown(
      `cannot tell how much memory is free: ${MEMINFO} has no line MemAvailable`,
      'Start the destination with --overcommit',
    );
  }
  const cgroup = cgroupRoom(files);
  const bound =
    cgroup !== undefined && cgroup.bytes < onHost
      ? ({ boundBy: 'cgroup', ...cgroup } as const)
      : ({ boundBy: 'host', bytes: onHost, where: MEMINFO } as const);
  return { kind: 'known', memory: { ...bound, bytes: Math.max(0, bound.bytes - KEPT_BYTES) } };
}

/** availableMemory(), for who goes on without an answer. Never throws. */
export function readMemory(root = '/'): MemoryReading {
  try {
    return read(new HostFiles(root));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'Make it readable here, or start the destination with --overcommit';
    return { kind: 'unknown', code: 'SYSTEM', reason, remedy };
  }
}

/**
 * The smallest of what the host has available and what each control group of this process leaves it, less
 * 64 MiB that stay free. `root` is the folder of the `proc` and `sys` to read. Throws UNSUPPORTED when the
 * host does not say, SYSTEM when a file cannot be read; both name the file and what to do.
 */
export function availableMemory(root = '/'): AvailableMemory {
  const reading = readMemory(root);
  if (reading.kind === 'known') return reading.memory;
  throw new PageferryError(reading.code, `${reading.reason}. ${reading.remedy}`);
}

/** Says what bounds it, for the end of a sentence. */
export function describeBound({ boundBy, where }: AvailableMemory): string {
  return boundBy === 'host' ? `the host's memory (${where})` : `the limit in ${where}`;
}
