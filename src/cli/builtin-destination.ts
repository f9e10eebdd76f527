/** A destination of built-in guests: what `destination` does, and the demo's destination process. */
import type { PageferryError } from '../errors.js';
import { Destination, type DestinationOptions, rehearse, WorkloadGuest } from '../index.js';

export interface BuiltinDestinationOptions extends Omit<DestinationOptions, 'createGuest'> {
  /** Files, for guests that go through their snapshots. */
  readonly images?: readonly string[];
}

/** What happens to one of its migrations; `peer` is the source. */
export interface DestinationWatcher {
  arriving(peer: string): void;
  arrived(peer: string, guest: WorkloadGuest): void;
  dropped(peer: string, error: PageferryError): void;
  lost(peer: string, error: PageferryError): void;
  stranger(peer: string, reason: string, others: number): void;
  warning(error: PageferryError): void;
}

/** Rehearses, then listens. Guests that have arrived are the watcher's to keep or to discard. */
export async function listenForGuests(
  { images = [], ...options }: BuiltinDestinationOptions,
  watcher: DestinationWatcher,
): Promise<Destination> {
  await rehearse();
  const destination = await Destination.listen({
    ...options,
    createGuest: WorkloadGuest.arriveWith(images),
  });
  destination.on('arriving', ({ peer }) => watcher.arriving(peer));
  destination.on('arrived', (guest, { peer }) => {
    if (guest instanceof WorkloadGuest) watcher.arrived(peer, guest);
  });
  destination.on('dropped', (error, { peer }) => watcher.dropped(peer, error));
  destination.on('lost', (error, _guest, { peer }) => watcher.lost(peer, error));
  destination.on('stranger', (peer, reason, others) => watcher.stranger(peer, reason, others));
  destination.on('warning', (error) => watcher.warning(error));
  return destination;
}
