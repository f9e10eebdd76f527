import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTrace } from '../../src/trace/read-trace.js';
import { atEnd } from '../support/at-end.js';
import { temporaryFolder } from '../support/traces.js';
import { until } from '../support/until.js';
import { isAlive, Pageferry, pageferry } from './pageferry.js';

/** A process that writes 16 pages of a buffer of 4096 again and again. */
async function writer(): Promise<ChildProcess> {
  const program = `
    const memory = Buffer.alloc(4096 * 4096, 1);
    let turn = 0;
    setInterval(() => {
      turn += 1;
      for (let page = 0; page < 16; page += 1) memory.writeUInt32LE(turn, page * 4096 * 100);
    }, 5);
    console.log('ready');`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(() => void child.kill('SIGKILL'));
  let ready = false;
  child.stdout?.once('data', () => {
    ready = true;
  });
  await until('the process is ready', () => ready);
  return child;
}

/** Its parent has not noticed, so it is still there. */
async function processThatHasEnded(): Promise<number> {
  const script = 'sleep 60 & echo $!; exec sleep 60';
  const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(() => void parent.kill('SIGKILL'));
  let pid = 0;
  parent.stdout?.once('data', (data) => {
    pid = Number(String(data));
  });
  const name = `/proc/${parent.pid}/comm`;
  // The shell would notice; what it becomes does not.
  await until('the shell is gone', () => pid > 0 && readFileSync(name, 'utf8') === 'sleep\n');
  process.kill(pid, 'SIGKILL');
  await until('it has ended', () => !isAlive(pid));
  return pid;
}

function tracing(child: ChildProcess, ...args: string[]): { command: Pageferry; path: string } {
  const path = join(temporaryFolder(), 'trace');
  const command = new Pageferry(['trace', '--pid', String(child.pid), '--out', path, ...args]);
  return { command, path };
}

describe.concurrent('pageferry trace', () => {
  it('records a process, and a guest replays it', async () => {
    const { command, path } = tracing(await writer(), '--seconds', '1', '--json');
    const { code, stdout, stderr } = await command.ended;
    expect(stderr).toMatch(/Recording process \d+ for 1 s, every 100 ms, by /);
    expect(code).toBe(0);
    const summary = JSON.parse(stdout);
    const trace = await readTrace(path);
    expect(summary).toMatchObject({
      version: 1,
      file: path,
      method: trace.method,
      reason: 'complete',
      pages: trace.pages,
      writes: trace.writes.length,
      intervals: trace.intervals.length / 2,
    });
    expect(trace.pages).toBeGreaterThan(4096);
    expect(trace.writes.length).toBeGreaterThan(16);
    const demo = await pageferry(
      ...['demo', '--workload', `trace:${path}`, '--strategy', 'hybrid', '--json', '-'],
    );
    expect(demo.code).toBe(0);
    const [report] = JSON.parse(demo.stdout).migrations;
    expect(report.guest.workload).toBe('trace');
    expect(report.guestVerified).toBe(true);
    expect(report.memoryBytes).toBeGreaterThan(trace.pages * 4096);
  });

  it('keeps a whole file when it is interrupted', async () => {
    const { command, path } = tracing(await writer(), '--seconds', '600');
    await command.says(/of 600 s/);
    command.signal('SIGINT');
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/Ended early/);
    expect((await readTrace(path)).reason).toBe('interrupted');
    expect(readdirSync(dirname(path))).toEqual(['trace']);
  });

  it('keeps what it has when the process ends', async () => {
    const child = await writer();
    const { command, path } = tracing(child, '--seconds', '600');
    await command.says(/of 600 s/);
    child.kill('SIGKILL');
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/The process ended/);
    const trace = await readTrace(path);
    expect(trace.reason).toBe('process-ended');
    expect(trace.writes.length).toBeGreaterThan(0);
  });

  it('leaves nothing when it is told twice to end', async () => {
    const child = await writer();
    const { command, path } = tracing(child, '--seconds', '600', '--interval', '1min');
    await command.says(/Recording/);
    command.signal('SIGTERM');
    command.signal('SIGTERM');
    const { code } = await command.ended;
    // The first may have been enough before the second came.
    expect(existsSync(path)).toBe(code === 0);
    expect(readdirSync(dirname(path)).length).toBe(code === 0 ? 1 : 0);
  });

  it('refuses a process without memory of its own', async () => {
    const zombie = await processThatHasEnded();
    const path = join(temporaryFolder(), 'trace');
    const { code, stderr } = await pageferry('trace', '--pid', String(zombie), '--out', path);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^pageferry: USAGE: .*(no memory of its own|no process \d+ is running)/);
    expect(existsSync(path)).toBe(false);
  });
});
