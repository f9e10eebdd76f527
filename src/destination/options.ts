/** What a destination can be told, and its defaults. */
import type { GuestFactory } from '../guest/guest.js';
import { DESTINATION_FIELDS, DESTINATION_SCHEMA } from '../options/destination-fields.js';
import { checkOptions } from '../options/field.js';
import type { TlsOptions } from '../options/security.js';
import { type Ledger, processLedger } from './ledger.js';

export interface DestinationOptions {
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** 0 (default) takes a free port. */
  readonly port?: number;
  /** Instead of both: the Unix-domain socket to make and to listen on. Only this user may connect to it. */
  readonly path?: string;
  /** What the connections are secured with. Without it an address must be of this host, or `insecure` be true. */
  readonly tls?: TlsOptions;
  /** True: the network is trusted, and nobody on it can read or change what goes over it; false by default. */
  readonly insecure?: boolean;
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
  /** Page channels of all migrations together, each of which takes a thread; 256 by default. */
  readonly maxPageChannels?: number;
  /** The longest state of a guest that is taken; 64 MiB by default, at most 256 MiB − 64 KiB. */
  readonly maxStateBytes?: number;
  /** Populate a guest's memory before its first page arrives; false by default. */
  readonly prefault?: boolean;
  /**
   * Guests that are expected, each as the sizes of its regions in bytes: memory for them is populated before
   * listen() returns, and the first guest with such regions gets it. None by default.
   */
  readonly prepare?: readonly (readonly number[])[];
  /** How long the other side may be silent; 30 s by default. */
  readonly stallMs?: number;
  /** A folder into which each migration is captured, to a file of its own (docs/capture-format.md); none by default. */
  readonly tee?: string;
  /** Bytes that the captures leave free on their disk: one ends there; 1 GiB by default. */
  readonly teeReserveBytes?: number;
  /** How long a guest may take for one call: to be built, to load its state, to resume; 30 s by default. */
  readonly guestCallMs?: number;
}

export interface ResolvedDestinationOptions {
  readonly createGuest: GuestFactory;
  readonly memoryLimitBytes: number;
  readonly overcommit: boolean;
  readonly ledger: Ledger;
  readonly maxMigrations: number;
  readonly maxPageChannels: number;
  readonly maxStateBytes: number;
  readonly prefault: boolean;
  readonly tee: string | null;
  readonly teeReserveBytes: number;
  readonly stallMs: number;
  readonly guestCallMs: number;
}

/** Fills in the defaults. Throws USAGE for an option that is none or makes no sense, and names it. */
export function resolveOptions(options: DestinationOptions): ResolvedDestinationOptions {
  checkOptions('the destination', DESTINATION_SCHEMA, options);
  const F = DESTINATION_FIELDS;
  return {
    createGuest: options.createGuest,
    memoryLimitBytes: options.memoryLimitBytes ?? Number.POSITIVE_INFINITY,
    overcommit: options.overcommit ?? F.overcommit.default,
    ledger: options.ledger ?? processLedger,
    maxMigrations: options.maxMigrations ?? F.maxMigrations.default,
    maxPageChannels: options.maxPageChannels ?? F.maxPageChannels.default,
    maxStateBytes: options.maxStateBytes ?? F.maxStateBytes.default,
    prefault: options.prefault ?? F.prefault.default,
    tee: options.tee ?? null,
    teeReserveBytes: options.teeReserveBytes ?? F.teeReserveBytes.default,
    stallMs: options.stallMs ?? F.stallMs.default,
    guestCallMs: options.guestCallMs ?? F.guestCallMs.default,
  };
}
