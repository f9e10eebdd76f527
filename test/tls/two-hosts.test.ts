/** Two hosts, which are two network namespaces, as the README has them: a CA, a certificate each, and the two commands. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageferryHere } from '../cli/in-process.js';
import { Pageferry, pageferry } from '../cli/pageferry.js';
import { atEnd } from '../support/at-end.js';
import { temporaryFolder } from '../support/traces.js';

const SMALL = ['--memory', '16MiB', '--observe', '0', '--fill', 'random'];
const ADDRESSES = { there: '10.77.9.2', here: '10.77.9.1' } as const;

/** Why there can be none here; undefined when there can. */
function obstacle(): string | undefined {
  const probe = `pageferry-probe-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
  if (made.status !== 0) return made.error?.message ?? made.stderr.trim();
  spawnSync('ip', ['netns', 'delete', probe]);
  return undefined;
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });

/** The names of two namespaces with a cable between them. */
function twoHosts(): { readonly here: string; readonly there: string } {
  const hosts = {
    here: `pageferry-test-${process.pid}-here`,
    there: `pageferry-test-${process.pid}-there`,
  };
  for (const host of Object.values(hosts)) {
    ip('netns', 'add', host);
    atEnd(() => ip('netns', 'delete', host));
  }
  ip(
    '-n',
    hosts.here,
    'link',
    'add',
    'eth0',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    hosts.there,
  );
  for (const side of ['here', 'there'] as const) {
    ip('-n', hosts[side], 'address', 'add', `${ADDRESSES[side]}/24`, 'dev', 'eth0');
    ip('-n', hosts[side], 'link', 'set', 'eth0', 'up');
    ip('-n', hosts[side], 'link', 'set', 'lo', 'up');
  }
  return hosts;
}

const on = (host: string) => ['ip', 'netns', 'exec', host];

const reason = obstacle();

describe.skipIf(reason !== undefined)(
  `two hosts with mutual TLS${reason ? `: ${reason}` : ''}`,
  () => {
    it('move a guest, refuse whoever has no certificate, and learn of one that is revoked', async () => {
      const { here, there } = twoHosts();
      const lab = join(temporaryFolder(), 'lab');
      expect((await pageferryHere('pki', 'init', lab)).code).toBe(0);
      const certificateFor = async (...names: readonly [string, ...string[]]) => {
        const folder = join(lab, '..', names[0]);
        expect((await pageferryHere('pki', 'issue', lab, ...names, '--out', folder)).code).toBe(0);
        return join(folder, `${names[0]}.pem`);
      };
      const address = `${ADDRESSES.there}:7777`;
      const mine = await certificateFor('this-host', ADDRESSES.here);
      const theirs = await certificateFor('other-host', ADDRESSES.there);
      const listen = ['--listen', '0.0.0.0:7777', '--tls', theirs];
      const destination = new Pageferry(['destination', ...listen], {}, on(there));
      await destination.says(/listening on/);
      const run = (...args: string[]) =>
        new Pageferry(['source', '--to', address, ...SMALL, ...args], {}, on(here)).ended;

      for (const strategy of ['hybrid', 'pre-copy']) {
        const moved = await run('--tls', mine, '--strategy', strategy, '--json', '-');
        expect(moved.stderr).not.toMatch(/pageferry: [A-Z]/);
        expect(JSON.parse(moved.stdout).migrations[0]).toMatchObject({
          strategy,
          outcome: 'completed',
          guestVerified: true,
        });
      }

      const plain = await run('--insecure');
      expect(plain).toMatchObject({ code: 1, stderr: expect.stringContaining('--tls or --psk') });
      await destination.says(/stranger 10\.77\.9\.1:\d+ turned away: .*TLS/);

      expect((await pageferryHere('pki', 'revoke', lab, 'this-host')).code).toBe(0);
      copyFileSync(join(lab, 'crl.pem'), join(theirs, '..', 'crl.pem'));
      await destination.says(/certificates and keys were read again/);
      const revoked = await run('--tls', mine);
      expect(revoked).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/UNTRUSTED.*revoked/),
      });

      destination.signal('SIGINT');
      expect((await destination.ended).stdout.match(/arrived from/g)).toHaveLength(2);
    }, 180_000);
  },
);

describe('the command line', () => {
  it.each([
    ['source --to 10.0.0.1:7777', /--insecure/],
    ['destination --listen 0.0.0.0:7777', /--insecure/],
    ['source --to 10.0.0.1:7777 --tls a.pem --psk b', /--tls or --psk, not both/],
    ['source --to 10.0.0.1:7777 --tls-key a', /--tls-key goes with --tls/],
    ['source --to 10.0.0.1:7777 --insecure --tls-name a', /--tls-name goes with --tls/],
    ['destination --allow a', /--allow goes with --tls/],
    ['destination --tls /no/such.pem', /\/no\/such/],
    ['destination --psk /no/such.key', /\/no\/such\.key/],
  ])('pageferry %s: exit code 2 and one line that says why', async (command, says) => {
    const { code, stderr } = await pageferryHere(...command.split(' '));
    expect(stderr).toMatch(/^pageferry: USAGE: [^\n]+\n$/);
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
  });

  it('takes a key that pageferry pki psk has made', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a'));
    const key = join(folder, 'a', 'lab.key');
    expect((await pageferryHere('pki', 'psk', key)).code).toBe(0);
    const destination = new Pageferry(['destination', '--listen', '127.0.0.1:0', '--psk', key]);
    const [, address = ''] = await destination.says(/listening on (\S+?)[,;]/);
    const moved = await pageferry('source', '--to', address, '--psk', key, ...SMALL);
    expect(moved.code).toBe(0);
  });
});
