import { expect, it } from 'vitest';
import { Pageferry, pageferry } from './pageferry.js';

const text = expect.any(String);

it('doctor --json says what there is, and for what is missing why and how to get it', async () => {
  const { code, stdout } = await pageferry('doctor', '--json');
  const found = JSON.parse(stdout);
  expect(found).toEqual({
    version: 1,
    kernel: text,
    architecture: process.arch,
    node: process.versions.node,
    cores: expect.any(Number),
    memoryBytes: expect.any(Number),
    availableMemory: {
      bytes: expect.any(Number),
      boundBy: expect.stringMatching(/^(host|cgroup)$/),
      where: expect.stringMatching(/^\/(proc|sys)\//),
    },
    tcpCongestionControl: text,
    tracker: expect.stringMatching(/^(uffd-wp-async|uffd-wp-sync|mprotect)$/),
    checks: expect.any(Array),
    ready: expect.any(Boolean),
  });
  expect(found.checks.map(({ name }: { name: string }) => name)).toEqual([
    'node',
    'free-memory',
    'userfaultfd',
    'pagemap-scan',
    'uffd-wp-async',
    'uffd-wp-sync',
    'mprotect',
    'post-copy',
    'post-copy-user-mode',
    'huge-pages',
    'unprivileged-userfaultfd',
  ]);
  for (const { available, reason, remedy } of found.checks) {
    expect([reason === '', remedy === '']).toEqual([available, available]);
  }
  expect(code).toBe(found.ready ? 0 : 1);
});

it('doctor names the tracker that will be used', async () => {
  const { stdout } = await pageferry('doctor');
  expect(stdout).toMatch(/will be used/);
  expect(stdout).toMatch(/ mprotect +works.*\n.*EFAULT/);
  expect(stdout).toMatch(/^(Ready|Not ready): /m);
});

it('an addon that is not where it was said to be is one line that names it', async () => {
  const command = new Pageferry(['doctor'], { PAGEFERRY_ADDON: '/no/such/addon.node' });
  const { code, stderr } = await command.ended;
  expect(stderr).toMatch(
    /^pageferry: UNSUPPORTED: [^\n]+ \/no\/such\/addon\.node, [^\n]+ unset the variable\n$/,
  );
  expect(code).toBe(1);
});
