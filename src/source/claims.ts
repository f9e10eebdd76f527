/** Which guests of this process are migrating or were given up: two migrations would leave two copies running. */
import { PageferryError } from '../errors.js';
import type { Guest } from '../guest/guest.js';

type Claim = 'migrating' | 'given-up';

/** By guest and by memory: a second guest around the same memory is the same guest. */
const claims = new WeakMap<object, Claim>();

/** Throws USAGE for a guest that another migration has, or has had. */
export function claimGuest(guest: Guest): void {
  const claim = claims.get(guest) ?? claims.get(guest.memory);
  if (claim === 'migrating') {
    throw new PageferryError(
      'USAGE',
      'this guest is migrating already. Wait until that has ended, or cancel it',
    );
  }
  if (claim === 'given-up') {
    throw new PageferryError(
      'USAGE',
      'this guest was given up by an earlier migration: it runs elsewhere, or must not run here before you know. Migrate it from where it is now',
    );
  }
  set(guest, 'migrating');
}

/** The migration is over. A guest that stayed may migrate again; one that was given up never does, from here. */
export function settleClaim(guest: Guest, stayed: boolean): void {
  if (!stayed) {
    set(guest, 'given-up');
    return;
  }
  claims.delete(guest);
  claims.delete(guest.memory);
}

function set(guest: Guest, claim: Claim): void {
  claims.set(guest, claim);
  claims.set(guest.memory, claim);
}
