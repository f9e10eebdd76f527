// Gives a Redis server its data, and goes on changing them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SeededData } from './data.js';

const EVERY_MS = 10;
const AT_ONCE = 40;

/** A command in the server's protocol. */
function commandOf(...parts: readonly (string | number)[]): string {
  const texts = parts.map(String);
  const body = texts.map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`);
  return `*${texts.length}\r\n${body.join('')}`;
}

/** Each record as a string, a hash or a list. */
function commandFor(data: SeededData, id: number): string {
  const { name, email, born, balance, tags, about, ...record } = data.record(id);
  switch (id % 3) {
    case 0:
      return commandOf('SET', `person:${id}`, JSON.stringify({ ...record, name, email, about }));
    case 1:
      return commandOf(
        ...['HSET', `person:${id}`, 'name', name, 'email', email, 'born', born],
        ...['balance', balance, 'about', about],
      );
    default:
      return commandOf('RPUSH', `person:${id}`, name, email, ...tags, about);
  }
}

function changeOf(data: SeededData, count: number): string {
  const id = data.below(count);
  switch (id % 3) {
    case 0:
      return commandOf('SET', `person:${id}`, JSON.stringify(data.record(id)));
    case 1:
      return commandOf('HSET', `person:${id}`, 'balance', data.below(1e6), 'about', data.text(200));
    default:
      return commandOf('LSET', `person:${id}`, -1, data.text(200));
  }
}

/** On return the server has them all, and is sent changes until it ends. */
export async function feedRedis(
  socketPath: string,
  count: number,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  const socket: Socket = connect(socketPath);
  await once(socket, 'connect', { signal });
  const data = new SeededData(seed);
  // Every command is answered by one line.
  let answers = 0;
  let failure = '';
  socket.on('data', (bytes) => {
    for (const byte of bytes) if (byte === 0x0a) answers += 1;
    if (bytes.includes('-ERR'))
      failure ||= bytes.toString('utf8', bytes.indexOf('-ERR')).split('\r')[0] ?? '';
  });
  socket.on('error', () => {});
  for (let id = 0; id < count; id += 1) {
    if (!socket.write(commandFor(data, id))) await once(socket, 'drain', { signal });
  }
  while (answers < count && failure === '') await once(socket, 'data', { signal });
  if (failure !== '') throw new Error(`redis does not take the data: ${failure}`);
  const load = setInterval(() => {
    if (socket.writableNeedDrain || !socket.writable) return;
    socket.write(Array.from({ length: AT_ONCE }, () => changeOf(data, count)).join(''));
  }, EVERY_MS);
  socket.once('close', () => clearInterval(load));
}
