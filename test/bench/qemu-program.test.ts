import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findQemu } from '#bench/peers/qemu-program.js';
import { newFolder } from './bench-command.js';

describe('the QEMU that stands beside Pageferry', () => {
  function fakeQemu(folder: string, version: string): string {
    mkdirSync(folder);
    const path = join(folder, 'qemu-system-x86_64');
    writeFileSync(path, `#!/bin/sh\necho "QEMU emulator version ${version}"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  it('is the newest on the PATH, and the one that PAGEFERRY_QEMU names before it', () => {
    const folder = newFolder();
    const [old, newer, other] = ['old', 'new', 'other'].map((name) => join(folder, name));
    const [first, second, third] = [
      fakeQemu(old as string, '9.2.4 (Debian 1:9.2.4+deb13u1)'),
      fakeQemu(newer as string, '10.0.3'),
      fakeQemu(other as string, '7.2.22'),
    ];
    const PATH = `${old}:${newer}:${other}`;
    expect(findQemu({ PATH })).toEqual({ path: second, version: '10.0.3' });
    expect(findQemu({ PATH: old })).toEqual({ path: first, version: '9.2.4' });
    const named = { path: third, version: '7.2.22' };
    expect(findQemu({ PATH, PAGEFERRY_QEMU: third })).toEqual(named);
  });

  it('that cannot be had is told by what was looked for', () => {
    const folder = newFolder();
    const missing = { obstacle: expect.stringContaining('is not installed: apt-get install') };
    expect(findQemu({ PATH: folder })).toEqual(missing);
    const PAGEFERRY_QEMU = join(folder, 'mine');
    const wrong = { obstacle: expect.stringContaining('mine, which does not run') };
    expect(findQemu({ PATH: '/usr/bin', PAGEFERRY_QEMU })).toEqual(wrong);
  });
});
