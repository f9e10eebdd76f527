/** A destination in this process that remembers what became of each migration. */
import { expect } from 'vitest';
import { Destination } from '../../src/destination/destination.js';
import type { DestinationOptions } from '../../src/destination/options.js';
import type { PageferryError } from '../../src/errors.js';
import type { Guest } from '../../src/guest/guest.js';
import { WorkloadGuest } from '../../src/guest/workload-guest.js';
import type { MigrationReport } from '../../src/metrics/report.js';
import type { SourceOptions } from '../../src/source/options.js';
import { MigrationFailed, Source } from '../../src/source/source.js';
import { atEnd } from './at-end.js';
import { startGuest } from './guests.js';
import { rejection, until } from './until.js';

export class Receiving {
  readonly arrived: Guest[] = [];
  readonly dropped: PageferryError[] = [];
  readonly lost: { readonly error: PageferryError; readonly guest: Guest }[] = [];
  readonly strangers: string[] = [];
  readonly #guests: Guest[] = [];

  private constructor(readonly destination: Destination) {
    destination.on('arrived', (guest) => this.arrived.push(guest));
    destination.on('arrived', (guest) => this.#guests.push(guest));
    destination.on('lost', (_error, guest) => this.#guests.push(guest));
    destination.on('dropped', (error) => this.dropped.push(error));
    destination.on('lost', (error, guest) => this.lost.push({ error, guest }));
    destination.on('stranger', (_peer, reason) => this.strangers.push(reason));
  }

  /** Listens until it is closed; takes the built-in guests unless told otherwise. */
  static async listen(options: Partial<DestinationOptions> = {}): Promise<Receiving> {
    return new Receiving(
      await Destination.listen({ createGuest: WorkloadGuest.arrive, ...options }),
    );
  }

  /** Listens until the end of the test. */
  static async start(options: Partial<DestinationOptions> = {}): Promise<Receiving> {
    const receiving = await Receiving.listen(options);
    atEnd(() => receiving.close());
    return receiving;
  }

  async close(): Promise<void> {
    await this.destination.close();
    this.#letGo();
  }

  /** Waits until every migration is over, lets go of the guests, and remembers nothing. */
  async forget(): Promise<void> {
    await until('no migration is under way', () => this.destination.migrations === 0);
    this.#letGo();
    for (const seen of [this.arrived, this.dropped, this.lost, this.strangers]) seen.length = 0;
  }

  #letGo(): void {
    for (const guest of this.#guests.splice(0)) guest.discard?.();
  }

  get port(): number {
    return this.destination.port;
  }

  async nextArrived(): Promise<Guest> {
    await until('a guest arrives', () => this.arrived.length > 0);
    return this.arrived.shift() as Guest;
  }

  async nextDropped(): Promise<PageferryError> {
    await until('a migration is dropped', () => this.dropped.length > 0);
    return this.dropped.shift() as PageferryError;
  }

  async nextLost(): Promise<{ readonly error: PageferryError; readonly guest: Guest }> {
    await until('a guest is lost', () => this.lost.length > 0);
    return this.lost[0] as { readonly error: PageferryError; readonly guest: Guest };
  }

  /** Takes a migration from start to end, verified. */
  async expectServesNext(strategy: SourceOptions['strategy'] = 'hybrid'): Promise<void> {
    await until('no migration is under way', () => this.destination.migrations === 0);
    const guest = await startGuest({ memoryBytes: 4 << 20 });
    const report = await migrate(guest, this.port, { strategy });
    expect(report.guestVerified).toBe(true);
    (await this.nextArrived()).discard?.();
  }
}

/** Migrates and verifies. */
export async function migrate(
  guest: Guest,
  port: number,
  options: Partial<SourceOptions> = {},
): Promise<MigrationReport> {
  return await sourceFor(guest, port, options).migrate();
}

export function sourceFor(
  guest: Guest,
  port: number,
  options: Partial<SourceOptions> = {},
): Source {
  return new Source(guest, {
    host: '127.0.0.1',
    port,
    strategy: 'stop-and-copy',
    verify: true,
    ...options,
  });
}

/** The failure of a migration that must fail. */
export async function failureOf(migration: Promise<MigrationReport>): Promise<MigrationFailed> {
  const error = await rejection(migration);
  if (error instanceof MigrationFailed) return error;
  throw error;
}
