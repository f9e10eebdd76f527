// A Redis server.
import { existsSync } from 'node:fs';
import { findProgram } from '../place.js';
import { type CorpusProgram, MIB, pidOf, recordsFor } from '../program.js';
import { feedRedis } from '../redis-feed.js';

export const redis: CorpusProgram = {
  name: 'redis',
  title: 'Redis with strings, hashes and lists',
  find: () => ({ server: findProgram('redis-server', 'redis-server') }),
  async start(place, { server = '' }, size) {
    const socket = place.file('redis.sock');
    const quiet = ['--port', '0', '--save', '', '--appendonly', 'no', '--dir', place.folder];
    const child = place.start(server, ['--unixsocket', socket, ...quiet]);
    await place.poll('redis does not start', () => existsSync(socket));
    await feedRedis(
      socket,
      recordsFor(size, { each: 600, base: 8 * MIB }),
      size.seed,
      place.signal,
    );
    return pidOf(child);
  },
};
