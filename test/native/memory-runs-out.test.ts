/** Allocations that fail in native code are errors with a code, on whatever thread, and never the process's end. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ADDON = new URL('../../build/Release/pageferry.node', import.meta.url).pathname;
const PAGES_IN_TIB = 2 ** 28;

/** Memory of 16 TiB costs nothing until it is touched; a set of its pages is 512 MiB, more than is allowed then. */
const PROGRAM = `
  const { execFileSync } = require('node:child_process');
  const { readFileSync } = require('node:fs');
  const binding = require(${JSON.stringify(ADDON)});
  const memory = binding.createGuestMemory([${16 * PAGES_IN_TIB * 4096}]);
  const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]);
  execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (pages * 4096 + 256 * 2 ** 20)]);
  const codeOf = async (call) => {
    try {
      await call();
      return 'none';
    } catch (error) {
      return error.code;
    }
  };
  (async () => {
    const codes = {
      residual: await codeOf(() => binding.createResidualSet(memory)),
      arriving: await codeOf(() => binding.createArrivingMemory(memory)),
      tracker: await codeOf(() => binding.createDirtyTracker(memory, 'uffd-wp-sync', () => {})),
      onAThread: await codeOf(() => memory.findPopulated()),
    };
    console.log(JSON.stringify(codes));
  })();
`;

describe('memory that runs out', () => {
  it('is NO_MEMORY, where JavaScript called and on a thread of the addon', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', PROGRAM]);
    expect(JSON.parse(stdout)).toEqual({
      residual: 'NO_MEMORY',
      arriving: 'NO_MEMORY',
      tracker: 'NO_MEMORY',
      onAThread: 'NO_MEMORY',
    });
  });
});
