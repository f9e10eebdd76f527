/** What the system still lets this process have. Read where it is asked for: other code of this process takes its share. */
import { readdirSync, readFileSync } from 'node:fs';

/** A limit of this process, and how much of it is left. */
export interface Limit {
  readonly limit: number;
  readonly left: number;
}

/** File descriptors (RLIMIT_NOFILE); undefined where /proc does not say. */
export function descriptors(): Limit | undefined {
  return limitOf(
    () => Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]),
    () => readdirSync('/proc/self/fd').length,
  );
}

/** Mappings of memory (vm.max_map_count); undefined where /proc does not say. */
export function mappings(): Limit | undefined {
  return limitOf(
    () => Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8')),
    () => readFileSync('/proc/self/maps', 'latin1').split('\n').length,
  );
}

function limitOf(readLimit: () => number, readUsed: () => number): Limit | undefined {
  try {
    const limit = readLimit();
    return Number.isFinite(limit) ? { limit, left: Math.max(0, limit - readUsed()) } : undefined;
  } catch {
    return undefined;
  }
}
