/** What a destination can be told, and its defaults. */
import type { GuestFactory } from '../guest/guest.js';
import type { Ledger } from './ledger.js';
import type { PreparedMemory } from './prepared-memory.js';

export interface DestinationOptions {
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** 0 (default) takes a free port. */
  readonly port?: number;
  /** Builds each guest that arrives. */
  readonly createGuest: GuestFactory;
  /** The largest guest that is taken; unlimited by default (what is free here always counts). */
  readonly memoryLimitBytes?: number;
  /**
   * Take guests that hold more than is free here, where there is swap or their pages are zero; false by
   * default. Nothing is reserved for them, and nobody looks whether they outgrow what is free.
   */
  readonly overcommit?: boolean;
  /**
   * Where memory for guests is reserved while they arrive. All destinations of a process share one ledger by
   * default, which believes what the host and this process's control groups say is available.
   */
  readonly ledger?: Ledger;
  /** Migrations at once; 64 by default. */
  readonly maxMigrations?: number;
  /** Populate a guest's memory before its first page arrives; false by default. */
  readonly prefault?: boolean;
  /**
   * Guests that are expected, each as the sizes of its regions in bytes: memory for them is populated before
   * listen() returns, and the first guest with such regions gets it. None by default.
   */
  readonly prepare?: readonly (readonly number[])[];
  /** How long the other side may be silent; 30 s by default. */
  readonly stallMs?: number;
}

export interface ResolvedDestinationOptions {
  readonly createGuest: GuestFactory;
  readonly memoryLimitBytes: number;
  readonly overcommit: boolean;
  readonly ledger: Ledger;
  readonly maxMigrations: number;
  readonly prefault: boolean;
  readonly prepared: PreparedMemory;
  readonly stallMs: number;
}
