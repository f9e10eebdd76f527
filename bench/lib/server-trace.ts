// A trace of a real server under load. It is recorded once and then kept, so that every run on this machine
// replays the same writes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { cacheFolder } from '#engine/host/cache-folder.js';
import { root } from './places.js';
import type { SampleContext } from './scenario.js';

export type Server = 'redis' | 'postgres';

const SECONDS = 10;
/** The exit code of scripts/trace-server.mjs where the server is not installed. */
const NOT_INSTALLED = 3;

/** Rejects with UNSUPPORTED where there is no such server, and with the signal's reason when that aborts. */
async function record(server: Server, file: string, signal: AbortSignal): Promise<void> {
  const script = join(root, 'scripts', 'trace-server.mjs');
  // The channel tells it when this process is gone. In the terminal's group a Ctrl-C would reach it, too, before this
  // process hears of it: it would then end well, with a trace that is too short.
  const child = spawn(process.execPath, [script, server, file, '--seconds', `${SECONDS}`], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
  });
  const stop = () => child.kill('SIGINT');
  signal.addEventListener('abort', stop);
  try {
    const [said, [code, killed]] = await Promise.all([
      child.stderr === null ? '' : text(child.stderr),
      once(child, 'exit'),
    ]);
    signal.throwIfAborted();
    if (code === 0) return;
    const reason = said.trim().split('\n').at(-1) || `it ended with ${killed ?? code}`;
    const error = new Error(
      code === NOT_INSTALLED ? reason : `${server} could not be traced: ${reason}`,
    );
    throw Object.assign(error, code === NOT_INSTALLED ? { code: 'UNSUPPORTED' } : {});
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The trace's file. The first time on a machine it is recorded, which takes about half a minute. */
export async function serverTrace(
  server: Server,
  { signal, log }: Pick<SampleContext, 'signal' | 'log'>,
): Promise<string> {
  signal.throwIfAborted();
  const folder = cacheFolder('traces');
  const file = join(folder, `${server}.trace`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  // Whole or not at all, and of two runs at once the later one wins.
  const unfinished = `${file}.${process.pid}`;
  log(`${server} is recorded under load for ${SECONDS} s`);
  try {
    await record(server, unfinished, signal);
    renameSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
  log(`the trace is kept in ${file}; without it the next run records anew`);
  return file;
}
