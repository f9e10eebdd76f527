/**
 * Who has been promised which memory. The kernel's figures tell what is taken, not what guests that were
 * admitted will take: without a ledger each guest that opens is shown the same free memory.
 */
import { asPageferryError, type ErrorCode, PageferryError } from '../errors.js';
import { type AvailableMemory, availableMemory, describeBound } from '../host/memory.js';
import { formatBytes } from '../units.js';

/** What a refusal says besides the figures: `what` needs the memory, and what can be done about it. */
export interface Claim {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
}

/** Memory that counts what it holds. */
export interface Populating {
  allocatedBytes(): number;
}

/** At 2 GB/s, which is what populating by pages reaches, a guest takes 40 MB in this time. */
const WATCH_MS = 20;

interface Room {
  readonly available: AvailableMemory;
  readonly reservedBytes: number;
  /** Less than nothing when more is promised than there is. */
  readonly bytes: number;
}

export class Ledger {
  readonly #available: () => AvailableMemory;
  readonly #reservations = new Set<Reservation>();

  /** `available`: what this process may still take at the time of the call. By default what the kernel says. */
  constructor(available: () => AvailableMemory = availableMemory) {
    this.#available = available;
  }

  /** Bytes promised and not yet populated. */
  get reservedBytes(): number {
    return this.#reservedBeside(undefined);
  }

  /**
   * Promises `bytes`, at once or not at all. Throws the claim's code when what is available, less what was
   * promised to others, is less than that. Whoever reserves must release.
   */
  reserve(bytes: number, claim: Claim): Reservation {
    const room = this.#room(undefined);
    if (bytes > room.bytes) throw refusal(claim, formatBytes(bytes), room);
    const reservation: Reservation = new Reservation(
      bytes,
      () => this.#checkGrowth(reservation, claim),
      () => this.#reservations.delete(reservation),
    );
    this.#reservations.add(reservation);
    return reservation;
  }

  /** What one holder has taken beyond its promise must not be what was promised to others. */
  #checkGrowth(reservation: Reservation, claim: Claim): void {
    const { populatedBytes, bytes } = reservation;
    if (populatedBytes <= bytes) return;
    const room = this.#room(reservation);
    if (room.bytes > 0) return;
    const needs = `more than the ${formatBytes(bytes)} that it came with, ${formatBytes(populatedBytes)} by now,`;
    throw refusal(claim, needs, room);
  }

  #room(beside: Reservation | undefined): Room {
    const available = this.#available();
    const reservedBytes = this.#reservedBeside(beside);
    return { available, reservedBytes, bytes: available.bytes - reservedBytes };
  }

  #reservedBeside(beside: Reservation | undefined): number {
    let sum = 0;
    for (const each of this.#reservations) if (each !== beside) sum += each.outstandingBytes;
    return sum;
  }
}

function refusal({ code, what, remedy }: Claim, needs: string, room: Room): PageferryError {
  const { available, reservedBytes } = room;
  const free = formatBytes(Math.max(0, room.bytes));
  const others =
    reservedBytes > 0 ? `, and ${formatBytes(reservedBytes)} are reserved for others` : '';
  return new PageferryError(
    code,
    `${what} needs ${needs} and ${free} are free here: ${describeBound(available)} leaves ${formatBytes(available.bytes)}${others}. ${remedy}`,
  );
}

/** Memory that was promised to one holder, until it is released. */
export class Reservation {
  readonly bytes: number;
  readonly #memories: { readonly memory: Populating; readonly heldBefore: number }[] = [];
  readonly #checkGrowth: () => void;
  readonly #onRelease: () => void;
  #watch: NodeJS.Timeout | undefined;

  /** Ledger.reserve() makes them. */
  constructor(bytes: number, checkGrowth: () => void, onRelease: () => void) {
    this.bytes = bytes;
    this.#checkGrowth = checkGrowth;
    this.#onRelease = onRelease;
  }

  /** From now on what this memory populates is taken out of the promise: the kernel's figures have it. */
  attach(memory: Populating): void {
    this.#memories.push({ memory, heldBefore: memory.allocatedBytes() });
  }

  /** What the attached memory has populated since it was attached. */
  get populatedBytes(): number {
    return this.#memories.reduce(
      (sum, { memory, heldBefore }) => sum + Math.max(0, memory.allocatedBytes() - heldBefore),
      0,
    );
  }

  /** What is still to come. */
  get outstandingBytes(): number {
    return Math.max(0, this.bytes - this.populatedBytes);
  }

  /**
   * Looks again and again whether the attached memory outgrows its promise. Calls `onOutgrown` once, with the
   * claim's code, when it does and nothing is free beside what others were promised.
   */
  watchGrowth(onOutgrown: (error: PageferryError) => void): void {
    const look = () => {
      try {
        this.#checkGrowth();
      } catch (error) {
        clearInterval(this.#watch);
        onOutgrown(asPageferryError(error, 'cannot tell how much memory is free'));
      }
    };
    this.#watch = setInterval(look, WATCH_MS).unref();
  }

  /** Gives back what was not populated. Idempotent. */
  release(): void {
    clearInterval(this.#watch);
    this.#onRelease();
  }
}

/** The account of this process: every destination in it uses this one unless it is given another. */
export const processLedger = new Ledger();
