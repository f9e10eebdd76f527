/**
 * Every error that Pageferry reports. `code` is stable: match on it, never on the text.
 *
 * | code | meaning |
 * |---|---|
 * | USAGE | an option or argument is wrong |
 * | UNREACHABLE | nothing answers at the destination's address |
 * | PORT_IN_USE | the destination cannot listen there |
 * | NOT_PAGEFERRY | the other side speaks another protocol |
 * | VERSION_MISMATCH | the other side speaks another version of ours |
 * | BUSY | the destination serves as many migrations, or as many page channels, as it may |
 * | ID_IN_USE | the destination knows a migration of this id: it is under way there, or its outcome is remembered |
 * | GUEST_TOO_LARGE | the guest exceeds the destination's limit |
 * | NO_MEMORY | this host has too little memory |
 * | DESTINATION_NO_MEMORY | the destination's host has too little memory |
 * | UNSUPPORTED | this kernel or this installation lacks something that is needed |
 * | NO_PERMISSION | the kernel has it, but not for this user |
 * | UNTRUSTED | a certificate or a key does not satisfy the other side, or cannot be used; the message says which and why |
 * | PEER_GONE | the connection to the other side was lost |
 * | PEER_SILENT | the other side said nothing for the stall timeout |
 * | PROTOCOL | the other side sent what docs/protocol.md forbids |
 * | NOT_CONVERGING | pre-copy would not end, and was told to give up then |
 * | GUEST_FAILED | the guest itself failed to pause, save, load or resume |
 * | CANCELLED | the user cancelled the migration |
 * | SWITCHOVER_UNCONFIRMED | lost contact right after the commit point: look at the destination |
 * | POSTCOPY_LOST | lost contact before every page had arrived: the guest is lost |
 * | DESTINATION_LOST | lost contact after every page was sent: look at the destination |
 * | GUEST_DIFFERS | the guest's memory is not what it must be |
 * | SYSTEM | a system call failed, or a limit of the system was reached; the message says which and why |
 * | INTERNAL | a defect in Pageferry |
 */
export const ERROR_CODES = [
  'USAGE',
  'UNREACHABLE',
  'PORT_IN_USE',
  'NOT_PAGEFERRY',
  'VERSION_MISMATCH',
  'BUSY',
  'ID_IN_USE',
  'GUEST_TOO_LARGE',
  'NO_MEMORY',
  'DESTINATION_NO_MEMORY',
  'UNSUPPORTED',
  'NO_PERMISSION',
  'UNTRUSTED',
  'PEER_GONE',
  'PEER_SILENT',
  'PROTOCOL',
  'NOT_CONVERGING',
  'GUEST_FAILED',
  'CANCELLED',
  'SWITCHOVER_UNCONFIRMED',
  'POSTCOPY_LOST',
  'DESTINATION_LOST',
  'GUEST_DIFFERS',
  'SYSTEM',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What a peer says may be in it: no character of it may begin a line of a log, or move a terminal's cursor. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
  return text.replace(/\s*[\u0000-\u001f\u007f-\u009f\u2028\u2029]+\s*/g, ' ');
}

/** One line for a person (`message`: what and why, and what to do), a stable code for a program. */
export class PageferryError extends Error {
  readonly code: ErrorCode;
  /** `host:port` of the other side, when it has to do with it. */
  readonly peer?: string;

  constructor(code: ErrorCode, message: string, details: { peer?: string; cause?: unknown } = {}) {
    super(oneLine(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PageferryError';
    this.code = code;
    if (details.peer !== undefined) this.peer = details.peer;
  }
}

/** The codes that the native addon puts on its errors, and what they mean up here. */
const FROM_NATIVE: Readonly<Record<string, ErrorCode>> = {
  INVALID_ARGUMENT: 'USAGE',
  UNSUPPORTED: 'UNSUPPORTED',
  NO_PERMISSION: 'NO_PERMISSION',
  NO_MEMORY: 'NO_MEMORY',
  SYSTEM: 'SYSTEM',
  CANCELLED: 'CANCELLED',
  TIMED_OUT: 'PEER_SILENT',
  BUSY: 'BUSY',
  EXISTS: 'ID_IN_USE',
  PEER_CLOSED: 'PEER_GONE',
  PROTOCOL: 'PROTOCOL',
  UNTRUSTED: 'UNTRUSTED',
};

/** The code the addon (or Node) put on an error, or an empty string. */
export function nativeCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return error.code;
  return '';
}

/** The errno name (`ECONNREFUSED`) behind an error of the addon, or an empty string. */
export function errnoOf(error: unknown): string {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'string') {
    return error.errno;
  }
  return '';
}

/** Any error as a PageferryError; one that is already comes back as it is. `what` says what was tried. */
export function asPageferryError(
  error: unknown,
  what: string,
  details: { peer?: string } = {},
): PageferryError {
  if (error instanceof PageferryError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = FROM_NATIVE[nativeCode(error)] ?? 'INTERNAL';
  return new PageferryError(code, `${what}: ${reason}`, { ...details, cause: error });
}

/** The same where a TypeError or RangeError can only mean that the caller's argument makes no sense. */
export function asArgumentError(error: unknown, what: string): PageferryError {
  if (error instanceof TypeError || error instanceof RangeError) {
    return new PageferryError('USAGE', `${what}: ${error.message}`, { cause: error });
  }
  return asPageferryError(error, what);
}
