/** What both sides are told. */
import { text, whole } from './field.js';

/** A name or an address: DNS names have at most 253 characters, and a zone may follow an address. */
export const HOST = text(300);

/** Of a Unix-domain socket. */
export const SOCKET_PATH = text(107);

/** Of a file or a folder. */
export const FILE_PATH = text(4096);

/**
 * How long the other side may be silent. Signs of life come every quarter of a second (docs/protocol.md, 6.1), so
 * that four of them in a row must be late before the least of these ends a migration.
 */
export const STALL_MS = whole({ unit: 'ms', least: 1_000, most: 86_400_000, default: 30_000 });
