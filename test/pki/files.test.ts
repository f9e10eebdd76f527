import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeFiles } from '../../src/pki/files.js';
import { atEnd } from '../support/at-end.js';
import { temporaryFolder } from '../support/traces.js';

const MODULE = fileURLToPath(new URL('../../dist/pki/files.js', import.meta.url));

describe('files that are written together', () => {
  it('are for their owner alone, whatever others are given by default', () => {
    const folder = temporaryFolder();
    const before = process.umask(0);
    try {
      writeFiles([{ path: join(folder, 'a'), text: 'A' }]);
    } finally {
      process.umask(before);
    }
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('are not there at all when one of them cannot be', () => {
    const folder = temporaryFolder();
    const files = ['a', 'missing/b', 'c'].map((name) => ({ path: join(folder, name), text: name }));
    expect(() => writeFiles(files)).toThrow(/nothing was changed: ENOENT/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('are not there at all when one of them is there already', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'b'), 'before');
    const files = ['a', 'b', 'c'].map((name) => ({ path: join(folder, name), text: name }));
    expect(() => writeFiles(files)).toThrow(/b is there already and is not overwritten/);
    expect(readdirSync(folder)).toEqual(['b']);
    expect(readFileSync(join(folder, 'b'), 'utf8')).toBe('before');
  });

  it('keep what they were to replace when they cannot', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'b'));
    writeFileSync(join(folder, 'b', 'inside'), '');
    const files = [
      { path: join(folder, 'a'), text: 'a' },
      { path: join(folder, 'b'), text: 'b', replace: true as const },
    ];
    expect(() => writeFiles(files)).toThrow(/nothing was changed: (EISDIR|ENOTEMPTY)/);
    expect(readdirSync(folder)).toEqual(['b']);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'are all there, or none and nothing beside them, after %s in the middle',
    async (signal) => {
      const folder = temporaryFolder();
      const count = 400;
      const program = `
        import { writeSync } from 'node:fs';
        import { writeFiles } from ${JSON.stringify(MODULE)};
        const files = Array.from({ length: ${count} }, (_, at) => ({
          path: ${JSON.stringify(folder)} + '/' + at, text: 'x'.repeat(4096),
        }));
        writeSync(1, 'ready');
        writeFiles(files);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      atEnd(() => void child.kill('SIGKILL'));
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      child.kill(signal);
      await ended;
      const names = readdirSync(folder);
      expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
      expect([0, count]).toContain(names.length);
    },
  );
});
