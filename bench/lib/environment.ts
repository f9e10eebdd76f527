// What the figures were measured on.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingQemu, qemuProgram } from '../peers/qemu-program.js';
import type { Environment } from '../result/schema.js';
import { watchCpuTime } from './cpu-time.js';
import { root } from './places.js';

const QUIET_SHARE = 0.05;
const WATCH_MS = 1000;

function output(command: string, ...args: string[]): string | null {
  try {
    return execFileSync(command, args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

function sysctl(path: string): string {
  return readFileSync(`/proc/sys/${path}`, 'utf8').trim().replaceAll('\t', ' ');
}

/** The share of all cores, 0 … 1, that others use while the bench waits. */
async function othersShare(): Promise<number> {
  const shares = watchCpuTime();
  await sleep(WATCH_MS);
  return shares().busy;
}

/** Nothing is warmed yet. */
export async function describeEnvironment(): Promise<Environment> {
  const commit = output('git', 'rev-parse', '--short=12', 'HEAD');
  const changes = output('git', 'status', '--porcelain', '--', 'native', 'src', 'bench/baselines');
  const share = await othersShare();
  return {
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
    qemu: missingQemu() === null ? qemuProgram().version : null,
    compiler: output('g++', '-dumpfullversion'),
    congestionControl: sysctl('net/ipv4/tcp_congestion_control'),
    sendBuffer: sysctl('net/ipv4/tcp_wmem'),
    commit,
    // Whether the engine's sources differ from that commit.
    modified: changes !== null && changes !== '',
    othersCpuShare: Number(share.toFixed(3)),
    quiet: share <= QUIET_SHARE,
    warmedBytes: 0,
  };
}
