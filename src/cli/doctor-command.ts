/** `pageferry doctor`: what this machine offers, and for each thing missing, why and how to get it. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { Command } from 'commander';
import {
  type AvailableMemory,
  describeBound,
  type MemoryReading,
  readMemory,
} from '../host/memory.js';
import { type Capability, probe } from '../index.js';
import { formatBytes } from '../units.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { Output } from './output.js';
import { writeJson } from './report-file.js';
import type { Run } from './run.js';

const LEAST_NODE = [20, 19] as const;
const TRACKERS = ['uffd-wp-async', 'uffd-wp-sync', 'mprotect'];
/** What works, but not for every guest. */
const LIMITS: Readonly<Record<string, string>> = {
  mprotect:
    'not for guests whose memory the kernel writes (read(2), KVM, vhost): those writes fail with EFAULT',
  'post-copy-user-mode':
    'where post-copy above does not: for guests whose memory no system call, KVM or vhost touches, as the built-in ones',
};

/** What --json prints. */
export interface Diagnosis {
  readonly version: 1;
  readonly kernel: string;
  readonly architecture: string;
  readonly node: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** What a guest that comes here could take, and which limit bounds it; null when nobody can tell. */
  readonly availableMemory: AvailableMemory | null;
  readonly tcpCongestionControl: string;
  /** The dirty tracker that migrations use unless told otherwise. */
  readonly tracker: string;
  readonly checks: readonly Capability[];
  /** Pre-copy and post-copy both work. */
  readonly ready: boolean;
}

const HELP = `
Exit codes:
  0  pre-copy and post-copy work here
  1  something that they need is missing
  2  wrong usage`;

export function doctorCommand(run: Run): Command {
  return new Command('doctor')
    .summary('show what this machine offers, and how to get what is missing')
    .description(
      'Tries each mechanism of the kernel that Pageferry can use, and says what came of it.',
    )
    .option('--json', 'print it as JSON')
    .addHelpText('after', HELP)
    .action(({ json }: { json?: boolean }) => run(async () => doctor(json ?? false)));
}

function doctor(json: boolean): ExitCode {
  const diagnosis = diagnose();
  if (json) writeJson('-', diagnosis);
  else print(new Output(undefined), diagnosis);
  return diagnosis.ready ? EXIT.verified : EXIT.safeOnSource;
}

function diagnose(): Diagnosis {
  const { kernel, capabilities, tracker } = probe();
  const memory = readMemory();
  const checks = [nodeCheck(), freeMemoryCheck(memory), ...capabilities, unprivilegedCheck()];
  const works = (name: string) => checks.some((check) => check.name === name && check.available);
  return {
    version: 1,
    kernel,
    architecture: process.arch,
    node: process.versions.node,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    availableMemory: memory.kind === 'known' ? memory.memory : null,
    tcpCongestionControl: readSetting('/proc/sys/net/ipv4/tcp_congestion_control') ?? 'unknown',
    tracker,
    checks,
    ready: works('node') && trackerWorks(checks) && postCopyWorks(checks),
  };
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function nodeCheck(): Capability {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  const available = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return {
    name: 'node',
    available,
    reason: available ? '' : `this is Node ${process.versions.node}`,
    remedy: available ? '' : `use Node ${leastMajor}.${leastMinor} or later`,
  };
}

/** Admission needs to know how much memory is free; a destination with --overcommit does not ask. */
function freeMemoryCheck(reading: MemoryReading): Capability {
  const name = 'free-memory';
  if (reading.kind === 'known') return { name, available: true, reason: '', remedy: '' };
  const { reason, remedy } = reading;
  return { name, available: false, reason, remedy };
}

/** Whether a user without privileges could serve faults of the kernel, too. */
function unprivilegedCheck(): Capability {
  const setting = readSetting('/proc/sys/vm/unprivileged_userfaultfd');
  const available = setting === '1' || everyoneMayOpen('/dev/userfaultfd');
  return {
    name: 'unprivileged-userfaultfd',
    available,
    reason: available ? '' : `vm.unprivileged_userfaultfd is ${setting ?? 'not there'}`,
    remedy: available
      ? ''
      : 'only for users other than root: sysctl -w vm.unprivileged_userfaultfd=1, or chmod 666 /dev/userfaultfd',
  };
}

/** The mode tells, not an attempt: root may open everything. */
function everyoneMayOpen(path: string): boolean {
  const readAndWrite = 0o006;
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & readAndWrite) === readAndWrite;
}

/** False for what something else makes up for. */
function isNeeded({ name }: Capability, { checks }: Diagnosis): boolean {
  if (TRACKERS.includes(name)) return !trackerWorks(checks);
  if (name === 'userfaultfd' || name.startsWith('post-copy')) return !postCopyWorks(checks);
  return name === 'node';
}

/** At least for guests whose memory no system call touches, as the built-in ones. */
function postCopyWorks(checks: readonly Capability[]): boolean {
  return checks.some(({ name, available }) => available && name.startsWith('post-copy'));
}

function trackerWorks(checks: readonly Capability[]): boolean {
  return checks.some(({ name, available }) => available && TRACKERS.includes(name));
}

function conclusion({ ready, checks, tracker }: Diagnosis): string {
  if (ready) return `Ready: every strategy works here; dirty tracker ${tracker}.`;
  return trackerWorks(checks)
    ? 'Not ready: stop-and-copy and pre-copy work here, the rest needs what has a ✘ above.'
    : 'Not ready: only stop-and-copy works here; see what has a ✘ above.';
}

function describeMemory({ availableMemory: available, memoryBytes }: Diagnosis): string {
  const all = `the host has ${formatBytes(memoryBytes)}`;
  if (available === null) return `unknown for guests; ${all}`;
  return `${formatBytes(available.bytes)} for guests, bounded by ${describeBound(available)}; ${all}`;
}

function print(output: Output, diagnosis: Diagnosis): void {
  const { bold, dim, green, red, yellow } = output.colors;
  const facts: readonly [string, string][] = [
    ['kernel', `Linux ${diagnosis.kernel}, ${diagnosis.architecture}`],
    ['node', diagnosis.node],
    ['cores', String(diagnosis.cores)],
    ['memory', describeMemory(diagnosis)],
    ['TCP', `congestion control ${diagnosis.tcpCongestionControl}`],
  ];
  for (const [label, value] of facts) output.line(`  ${dim(label.padEnd(24))}  ${value}`);
  output.line();
  for (const check of diagnosis.checks) {
    const mark = check.available ? green('✔') : isNeeded(check, diagnosis) ? red('✘') : yellow('–');
    const used =
      check.name === diagnosis.tracker ? dim('  will be used, unless told otherwise') : '';
    output.line(
      `${mark} ${check.name.padEnd(24)}  ${check.available ? `works${used}` : check.reason}`,
    );
    const more = check.available ? LIMITS[check.name] : check.remedy;
    if (more !== undefined) output.line(`  ${' '.repeat(24)}  ${dim(`→ ${more}`)}`);
  }
  output.line();
  output.line(bold((diagnosis.ready ? green : red)(conclusion(diagnosis))));
}
