/**
 * Sizes, rates and durations as people write them. The parsers throw USAGE errors that say what was
 * expected; they are strict, because a misread unit is a wrong measurement.
 */
import { PageferryError } from './errors.js';

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const PREFIXES = 'kmgt';
/** Of a page of guest memory: the unit of tracking and transfer. */
export const PAGE_BYTES = 4096;

/** `1.5 GiB`, `4 KiB`, `17 B`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BINARY.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || Number.isInteger(value) ? 0 : value < 10 ? 2 : 1;
  return `${value.toFixed(digits)} ${BINARY[unit]}`;
}

/** `812 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** `2.00 Gbit/s`: how links and rate limits are named. */
export function formatBitRate(bytesPerSecond: number): string {
  return `${formatCount(bytesPerSecond * 8)}bit/s`.replace(/^([\d.]+)/, '$1 ');
}

/** Milliseconds as `412 µs`, `3.25 ms`, `−812 ms`, `2.41 s`, `3 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `−${formatDuration(-ms)}`;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 999.5) return `${threeDigits(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 99.95) return `${threeDigits(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `17`, `1.25k`, `812k`, `3.4M`: counts and counts per second where space is short. */
export function formatCount(count: number): string {
  if (count < 999.5) return `${Math.round(count)}`;
  let value = count / 1000;
  let prefix = 0;
  while (value >= 999.5 && prefix < 3) {
    value /= 1000;
    prefix += 1;
  }
  return `${threeDigits(value)}${'kMGT'[prefix]}`;
}

/** `131,072`. */
export function formatWhole(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** The shortest text that parseBytes reads as exactly these bytes. */
export function exactBytes(bytes: number): string {
  for (let unit = BINARY.length - 1; unit > 0; unit -= 1) {
    const scale = 1024 ** unit;
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${BINARY[unit]}`;
  }
  return `${bytes}`;
}

function expected(what: string, text: string): PageferryError {
  return new PageferryError('USAGE', `expected ${what}, not '${text}'`);
}

/** A whole number of bytes from a number and a scale, or undefined when it is none. */
function wholeBytes(number: string, scale: number): number | undefined {
  const bytes = Number(number) * scale;
  return Number.isSafeInteger(Math.round(bytes)) && Number.isInteger(bytes) ? bytes : undefined;
}

/** Bytes: `4096`, `64k`, `512MiB`, `1.5GiB`; `MB` is a million. A letter alone is binary, as in `64k`. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s?(?:([kmgt])(ib|b)?|b)?$/i.exec(text.trim());
  const number = match?.[1];
  if (number !== undefined) {
    const power = PREFIXES.indexOf((match?.[2] ?? '').toLowerCase() || '-') + 1;
    const base = match?.[3]?.toLowerCase() === 'b' ? 1000 : 1024;
    const bytes = wholeBytes(number, base ** power);
    if (bytes !== undefined) return bytes;
  }
  throw expected('a size such as 512MiB, 1GiB, 64k or a number of bytes', text);
}

/** Bytes that make whole pages, at least one; the error names the nearest size that does. */
export function parsePages(text: string): number {
  const bytes = parseBytes(text);
  if (bytes > 0 && bytes % PAGE_BYTES === 0) return bytes;
  const nearest = Math.max(1, Math.round(bytes / PAGE_BYTES)) * PAGE_BYTES;
  throw new PageferryError(
    'USAGE',
    `expected a multiple of ${PAGE_BYTES} bytes, not '${text}'; the nearest is ${exactBytes(nearest)}`,
  );
}

/** Bytes per second: `1Gbit`, `100Mbit/s`, `50MiB/s`, `50MB/s`; `unlimited` is 0. */
export function parseRate(text: string): number {
  const trimmed = text.trim();
  if (trimmed === 'unlimited') return 0;
  const match = /^(\d+(?:\.\d+)?)\s?([kmgt](i?))?(bit|B)(?:\/s)?$/.exec(
    trimmed.replace(/[KMGT](?=i?(?:bit|B))/, (letter) => letter.toLowerCase()),
  );
  const number = match?.[1];
  if (number !== undefined) {
    const power = PREFIXES.indexOf(match?.[2]?.[0] ?? '-') + 1;
    const base = match?.[3] === 'i' ? 1024 : 1000;
    const bytes = Math.round((Number(number) * base ** power) / (match?.[4] === 'bit' ? 8 : 1));
    if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  }
  throw expected("a rate such as 1Gbit, 100Mbit/s, 50MiB/s or 'unlimited'", text);
}

const MS_PER_UNIT: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, min: 60_000 };

/** Milliseconds: `50ms`, `2s`, `1.5s`, `2min`, `0`. */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)\s?(us|ms|s|min)$/.exec(trimmed);
  const scale = MS_PER_UNIT[match?.[2] ?? ''];
  if (scale !== undefined) return Number(match?.[1]) * scale;
  throw expected('a duration such as 50ms, 2s or 1min', text);
}

/** The shortest text that parseDuration reads as exactly this whole number of milliseconds. */
export function exactDuration(ms: number): string {
  for (const unit of ['min', 's'] as const) {
    const scale = MS_PER_UNIT[unit] ?? 1;
    if (ms >= scale && ms % scale === 0) return `${ms / scale}${unit}`;
  }
  return ms === 0 ? '0' : `${ms}ms`;
}

/** A whole number from `least` to `most`; `20k` and `1.5M` are thousands and millions. */
export function parseCount(text: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const match = /^(\d+(?:\.\d+)?)([kM])?$/.exec(text.trim());
  const scale = match?.[2] === 'k' ? 1000 : match?.[2] === 'M' ? 1_000_000 : 1;
  const count = Number(match?.[1] ?? Number.NaN) * scale;
  if (Number.isSafeInteger(count) && count >= least && count <= most) return count;
  const range =
    most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  throw expected(`a whole number ${range}`, text);
}

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** A Unix-domain socket in the file system: for processes of one host, and for tunnels. */
export interface UnixAddress {
  readonly path: string;
}

export type Address = TcpAddress | UnixAddress;

/** The kernel has 108 bytes for it, the last of which is zero. */
const MOST_PATH_BYTES = 107;

/** `HOST:PORT`, `[::1]:7777` or `unix:PATH`. */
export function parseAddress(text: string): Address {
  const path = /^unix:(.+)$/.exec(text.trim())?.[1];
  if (path === undefined) return parseTcpAddress(text);
  if (Buffer.byteLength(path) <= MOST_PATH_BYTES) return { path };
  throw expected(`a path of at most ${MOST_PATH_BYTES} bytes after unix:`, text);
}

/** `HOST:PORT`, `[::1]:7777`; with `defaultHost` a port alone is enough. */
export function parseTcpAddress(text: string, defaultHost?: string): TcpAddress {
  const trimmed = text.trim();
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(trimmed);
  const alone = defaultHost !== undefined && /^\d{1,5}$/.test(trimmed) ? trimmed : undefined;
  const host = match?.[1] ?? match?.[2] ?? (alone === undefined ? undefined : defaultHost);
  const port = Number(match?.[3] ?? alone);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw expected(
    defaultHost === undefined
      ? 'HOST:PORT, such as 127.0.0.1:7777 or [::1]:7777, or unix:PATH'
      : 'a port or HOST:PORT, such as 9464 or 0.0.0.0:9464',
    text,
  );
}

/** True for a link-local IPv6 address (RFC 4291, section 2.5.6) that does not say on which interface it is. */
export function missesZone(address: Address): address is TcpAddress {
  if ('path' in address) return false;
  const { host } = address;
  return /^fe[89ab][0-9a-f]:/i.test(host) && !host.includes('%');
}

/** An example of how to say it. */
export function withZone({ host, port }: TcpAddress): string {
  return `[${host}%eth0]:${port}`;
}

/** As parseAddress reads it: an IPv6 host in brackets. */
export function formatAddress(address: Address): string {
  if ('path' in address) return `unix:${address.path}`;
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
