import { describe, expect, it } from 'vitest';
import { pageferryHere } from './in-process.js';
import { pageferry } from './pageferry.js';

const WRONG: readonly (readonly [command: string, says: RegExp])[] = [
  ['bogus', /unknown command 'bogus'/],
  ['demo --bogus', /unknown option '--bogus'/],
  ['demo --memroy 1MiB', /Did you mean --memory\?/],
  ['demo extra', /too many arguments/],
  ['demo --strategy fast', /--strategy: expected one of all, stop-and-copy/],
  ['demo --memory', /'--memory <size>' argument missing/],
  [
    'demo --memory 5000',
    /--memory: expected a multiple of 4096 bytes, not '5000'; the nearest is 4KiB/,
  ],
  ['demo --memory lots', /--memory: expected a size such as 512MiB/],
  ['demo --memory 1000TiB', /--memory 1000TiB takes .* on both sides and .* leaves .*: give less/],
  ['demo --workload chess', /--workload: expected one of idle, sequential/],
  ['demo --workload trace:', /--workload: expected one of .*, trace:FILE or snapshots/],
  ['demo --workload trace:/no/such/file', /the trace \/no\/such\/file cannot be read: ENOENT/],
  ['demo --workload trace:/etc/passwd', /the trace \/etc\/passwd cannot be read: it is no trace/],
  ['demo --wss 512MiB --memory 256MiB', /--wss 512MiB is more than --memory 256MiB/],
  ['demo --wss 1', /--wss: expected a multiple of 4096/],
  ['demo --write-rate fast', /--write-rate: expected a whole number/],
  ['demo --write-bytes 12', /--write-bytes: expected a multiple of 8 from 8 to 4096/],
  ['demo --threads 0', /--threads: expected a whole number from 1 to 256/],
  ['demo --fill cement', /--fill: expected zero, random, text, file:PATH, pid:PID or image:FILE/],
  ['demo --fill file:/no/such/file', /--fill file:\/no\/such\/file cannot be read/],
  ['demo --fill pid:4194303', /--fill pid:4194303: no such process/],
  ['demo --seed -1', /--seed: expected a whole number/],
  ['demo --bandwidth 10', /--bandwidth: expected a rate such as 1Gbit/],
  ['demo --downtime-budget 50', /--downtime-budget: expected a duration such as 50ms/],
  ['demo --max-rounds 0', /--max-rounds: expected a whole number from 1/],
  [
    'demo --if-not-converging panic',
    /--if-not-converging: expected one of stop-and-copy, post-copy, abort/,
  ],
  ['demo --channels 65', /--channels: expected a whole number from 1 to 64/],
  ['demo --tracker dog', /--tracker: expected one of uffd-wp-async/],
  ['demo --compression zip', /--compression: expected one of auto, raw, lz4/],
  ['demo --observe 5', /--observe: expected a duration/],
  ['demo --stall-timeout x', /--stall-timeout: expected a duration/],
  ['demo --json /no/such/folder/report.json', /cannot write the report to/],
  ['demo --metrics here', /--metrics: expected a port or HOST:PORT/],
  ['source', /required option '--to <address>' not specified/],
  ['source --to nowhere', /--to: expected HOST:PORT/],
  ['source --to 127.0.0.1:1 --id 17', /--id: expected 32 hexadecimal digits, not '17'/],
  ['source --to 127.0.0.1:1 --strategy all', /--strategy: expected one of stop-and-copy, pre-copy/],
  ['destination --listen 7777', /--listen: expected HOST:PORT/],
  ['destination --listen ::1:7777', /such as 127.0.0.1:7777 or \[::1\]:7777/],
  ['destination --listen 192.0.2.1:7777 --insecure', /this host has no such address/],
  ['destination --memory-limit none', /--memory-limit: expected a size/],
  ['destination --max-migrations 0', /--max-migrations: expected a whole number from 1 to 65536/],
  ['source --to 127.0.0.1:1 --tee /', /cannot write a capture to \/: it is a folder/],
  ['source --to 127.0.0.1:1 --tee /no/such/folder/x', /cannot write a capture to \/no\/such/],
  ['destination --tee /etc/passwd', /cannot write a capture to \/etc\/passwd: it is no folder/],
  ['verify-stream', /missing required argument 'file'/],
  ['doctor --bogus', /unknown option/],
  ['query abc', /required option '--at <address>' not specified/],
  ['query abc --at 127.0.0.1:1', /migrationId must be/],
  ['query --at 127.0.0.1:1', /missing required argument 'id'/],
  ['trace --pid 1', /required option '--out <file>' not specified/],
  ['trace --out x', /required option '--pid <n>' not specified/],
  ['trace --pid x --out y', /--pid: expected a whole number from 1/],
  ['trace --pid 4194303 --out y', /--pid 4194303: no such process is running/],
  ['trace --pid 1 --out /no/such/folder/y', /cannot write the trace to \/no\/such\/folder\/y/],
  ['trace --pid 1 --out /', /cannot write the trace to \/: it is there and no file/],
  ['trace --pid 1 --out y --interval 0', /--interval: expected 1ms to 1min/],
  ['trace --pid 1 --out y --seconds 0', /--seconds: expected a whole number from 1/],
  ['pki bogus', /unknown command 'bogus'\. See pageferry pki --help/],
  ['pki init', /missing required argument 'folder'\. See pageferry pki init --help/],
  ['pki init x --days 0', /--days: expected a whole number from 1 to 36500, not '0'/],
  ['pki init x --days 1.5', /--days: expected a whole number from 1 to 36500/],
  ['pki init x --days 36501', /--days: expected a whole number from 1 to 36500/],
  ['pki issue x', /missing required argument 'name'/],
  ['pki issue /no/such/folder a', /there is no CA in .*; make one with: pageferry pki init/],
  ['pki issue x a --days -1', /--days: expected a whole number from 1 to 36500/],
  ['pki revoke x', /missing required argument 'name'/],
  ['pki revoke x a b', /too many arguments/],
  ['pki list /no/such/folder', /there is no CA in \/no\/such\/folder/],
  ['pki psk', /missing required argument 'file'/],
  ['pki psk /no/such/folder/psk', /cannot write \/no\/such\/folder\/psk/],
  ['pki psk x --identity a:b', /--identity: expected 1 to 128 characters of ASCII without/],
];

describe('wrong usage', () => {
  it.each(WRONG)('pageferry %s: exit code 2 and one line that says why', async (command, says) => {
    const { code, stdout, stderr } = await pageferryHere(...command.split(' '));
    expect(stderr).toMatch(/^pageferry: USAGE: [^\n]+\n$/);
    expect(stderr).toMatch(says);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('help', () => {
  it.each([
    [],
    ['demo'],
    ['source'],
    ['destination'],
    ['doctor'],
    ['trace'],
    ['query'],
    ['verify-stream'],
    ['pki'],
    ['pki', 'init'],
    ['pki', 'issue'],
    ['pki', 'revoke'],
    ['pki', 'list'],
    ['pki', 'psk'],
  ])(
    'pageferry %s --help explains itself in 80 columns, exit codes included',
    async (...command) => {
      const { code, stdout } = await pageferryHere(...command, '--help');
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Usage: pageferry/);
      expect(stdout).toMatch(/Exit codes?/);
      const tooLong = stdout.split('\n').filter((line) => line.length > 80);
      expect(tooLong).toEqual([]);
    },
  );

  it('the version is that of the package', async () => {
    const { stdout } = await pageferry('--version');
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a process', () => {
  it.each([
    ['demo --memroy 1MiB', 2],
    ['pki list /no/such/folder', 2],
    ['query abcdef0123456789abcdef0123456789 --at 127.0.0.1:1', 1],
    ['pki issue --help', 0],
  ])(
    'pageferry %s: ends with the exit code of its command, and says the same',
    async (command, code) => {
      const args = command.split(' ');
      const ended = await pageferry(...args);
      expect(ended).toEqual(await pageferryHere(...args));
      expect(ended.code).toBe(code);
    },
  );
});
