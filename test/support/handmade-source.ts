/** A source made by hand: takes a destination through a migration, as far as a test wants. */

import { binding } from '../../src/native/binding.js';
import { atEnd } from './at-end.js';
import { pagesRecord, RawClient, syncRecord } from './raw-client.js';

const { contents } = binding.protocolConstants();
const PAGES = 4;

export const SWITCHOVER = {
  type: 'switchover',
  sync: 1,
  postCopy: false,
  running: true,
  state: new Uint8Array(),
  pausedAtNs: 0n,
} as const;

/** Says that it is alive, and asks for the time, until the end of the test; neither gets a migration on. */
export function beats(client: RawClient): RawClient {
  const beat = setInterval(() => {
    // What has come is read first: to write on a connection that was reset meanwhile would lose it.
    setImmediate(() => {
      if (client.socket.destroyed) return;
      client.send({ type: 'alive' });
      client.send({ type: 'clock', sentNs: 1n });
    });
  }, 50);
  atEnd(() => clearInterval(beat));
  return client;
}

/** A migration whose every page is zero, past `switchover`. */
export async function switchedOver(port: number, changes: object = {}): Promise<RawClient> {
  const client = await RawClient.opened(port, PAGES);
  const { client: page } = await client.channel('page', 0);
  page.socket.write(syncRecord(1));
  client.send({ ...SWITCHOVER, ...changes });
  return client;
}

/** A post-copy of which every page is missing, past `switchover`. */
export async function switchedOverMissing(port: number): Promise<RawClient> {
  const client = await RawClient.opened(port, PAGES);
  const { client: page } = await client.channel('page', 0);
  await client.channel('fault', 0);
  page.socket.write(Buffer.concat([pagesRecord([allMissing()]), syncRecord(1)]));
  client.send({ ...SWITCHOVER, postCopy: true });
  return client;
}

export function allMissing() {
  return { page: 0, pages: PAGES, content: contents.missing.id, payload: new Uint8Array() };
}

/** As `switchedOver` or `switchedOverMissing`, past `resume`. */
export async function resumed(switching: Promise<RawClient>): Promise<RawClient> {
  const client = await switching;
  await client.message('ready');
  client.send({ type: 'resume' });
  return client;
}
