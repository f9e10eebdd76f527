/** Which guests of this process are migrating or were given up: two migrations would leave two copies running. */
import { PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';

/** By guest and by memory: a second guest around the same memory is the same guest. */
const known = new WeakMap<object, 'migrating' | 'given-up'>();

/** Throws USAGE for a guest that another migration moves, or has moved. */
export function beginMigration(guest: Guest): void {
  const earlier = known.get(guest) ?? known.get(guest.memory);
  if (earlier === 'migrating') {
    throw new PageferryError(
      'USAGE',
      'this guest is migrating already. Wait until that has ended, or cancel it',
    );
  }
  if (earlier === 'given-up') {
    throw new PageferryError(
      'USAGE',
      'this guest was given up by an earlier migration: it runs elsewhere, or must not run here before you know. Migrate it from where it is now',
    );
  }
  known.set(guest, 'migrating').set(guest.memory, 'migrating');
}

/** The migration is over. A guest that stayed may migrate again; one that was given up never does, from here. */
export function endMigration(guest: Guest, stayed: boolean): void {
  for (const key of [guest, guest.memory]) {
    if (stayed) known.delete(key);
    else known.set(key, 'given-up');
  }
}
