// A small Linux in a virtual machine: a kernel of this host, and BusyBox, which sorts and changes files in memory.
import { accessSync, constants, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveOf } from '../archive.js';
import { writeRecords } from '../data.js';
import { findProgram, Unavailable } from '../place.js';
import { type CorpusProgram, MIB, pidOf, recordsFor } from '../program.js';

/** It says `ready` on its console when all files are there. */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t tmpfs none /tmp
for column in 2 3 4; do sort -t : -k $column /data/records > /tmp/sorted-$column; done
echo ready
turn=0
while :; do
  turn=$((turn + 1))
  head -n 2000 /tmp/sorted-2 | sed "s/example/turn-$turn/" > /tmp/changed-$((turn % 8))
  sleep 0.1
done
`;

/** The newest kernel of this host that this user may read. */
function findKernel(): string {
  const folder = '/boot';
  const names = readdirSync(folder).filter((name) => name.startsWith('vmlinuz-'));
  const readable = names
    .map((name) => join(folder, name))
    .filter((path) => {
      try {
        accessSync(path, constants.R_OK);
        return true;
      } catch {
        return false;
      }
    });
  const newest = readable.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (newest !== undefined) return newest;
  throw new Unavailable(
    'there is no kernel in /boot that can be read: apt-get install --no-install-recommends linux-image-cloud-amd64',
  );
}

/** One that needs no libraries. */
function findBusybox(): string {
  const path = findProgram('busybox', 'busybox-static');
  if (!readFileSync(path).includes('/ld-linux')) return path;
  throw new Unavailable(
    'busybox needs libraries here: apt-get install --no-install-recommends busybox-static',
  );
}

export const linux: CorpusProgram = {
  name: 'linux',
  title: 'a small Linux under QEMU',
  find: () => {
    if (process.arch !== 'x64') throw new Unavailable('it is made for x86-64 alone');
    return {
      qemu: findProgram('qemu-system-x86_64', 'qemu-system-x86'),
      kernel: findKernel(),
      busybox: findBusybox(),
    };
  },
  async start(place, { qemu = '', kernel = '', busybox = '' }, size) {
    const records = place.file('records.jsonl');
    await writeRecords(records, recordsFor(size, { each: 2000, base: 100 * MIB }), size.seed);
    const archive = archiveOf([
      { path: 'bin', kind: 'folder' },
      { path: 'data', kind: 'folder' },
      { path: 'dev', kind: 'folder' },
      { path: 'tmp', kind: 'folder' },
      { path: 'dev/console', kind: 'console' },
      { path: 'bin/busybox', kind: 'program', content: readFileSync(busybox) },
      { path: 'init', kind: 'program', content: Buffer.from(INIT) },
      { path: 'data/records', kind: 'file', content: readFileSync(records) },
    ]);
    writeFileSync(place.file('initrd'), archive);
    const child = place.start(qemu, [
      // Emulated: KVM needs privileges, and where this host is virtual itself it may not work although it is there.
      ...['-machine', 'q35,accel=tcg', '-m', `${Math.ceil(size.bytes / MIB) + 256}`],
      ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
      ...['-kernel', kernel, '-initrd', place.file('initrd')],
      ...['-append', 'console=ttyS0 quiet panic=-1'],
    ]);
    await place.ready('the Linux under QEMU', child);
    return pidOf(child);
  },
};
