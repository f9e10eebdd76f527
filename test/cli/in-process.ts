/**
 * Runs a command line in the process of the test: for what a command reads, writes and answers. A process of its own
 * (`pageferry.ts`) is needed only where signals, pipes or several processes at once are what is tested.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { runCommand } from '../../src/cli/program.js';
import type { Ended } from './pageferry.js';

type Name = 'stdout' | 'stderr';

/** What the command line that is running has written; commands of tests that run side by side have one each. */
const written = new AsyncLocalStorage<Record<Name, string>>();

/** From here on what a command writes is kept for its test; what anybody else writes goes where it went. */
function keepWritten(name: Name): void {
  const stream = process[name];
  const write = stream.write.bind(stream);
  stream.write = ((...args: Parameters<typeof write>) => {
    const texts = written.getStore();
    if (texts === undefined) return write(...args);
    texts[name] += String(args[0]);
    return true;
  }) as typeof write;
}

keepWritten('stdout');
keepWritten('stderr');

export async function pageferryHere(...args: readonly string[]): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  const code = await written.run(texts, () => runCommand(['node', 'pageferry', ...args]));
  return { code, ...texts };
}
