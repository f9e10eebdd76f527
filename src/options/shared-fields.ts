/** What both sides are told. */
import { text, whole } from './field.js';

/** A name or an address: DNS names have at most 253 characters, and a zone may follow an address. */
export const HOST = text(300);

/** Of a Unix-domain socket. */
export const SOCKET_PATH = text(107);

/** Of a file or a folder. */
export const FILE_PATH = text(4096);

/** What captures leave free on their disk, so that whoever brings a guest cannot fill it. */
export const TEE_RESERVE_BYTES = whole({
  unit: 'bytes',
  least: 0,
  most: Number.MAX_SAFE_INTEGER,
  default: 1 << 30,
});

/**
 * How long the other side may be silent. Signs of life come every quarter of a second (docs/protocol.md, 6.1), so
 * that four of them in a row must be late before the least of these ends a migration.
 */
export const STALL_MS = whole({ unit: 'ms', least: 1_000, most: 86_400_000, default: 30_000 });
