// One QEMU, and what it costs.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const QEMU = 'qemu-system-x86_64';
const INSTALL = 'apt-get install --no-install-recommends qemu-system-x86';
/** USER_HZ: the unit of times in /proc, the same on every x86-64 Linux. */
const TICKS_PER_SECOND = 100;
const MIB = 2 ** 20;
const MOST_WORDS_OF_QEMU = 2000;

/** Whether it is there and ends well; '--version' is what asks the least of it. */
function runs(program, args = ['--version'], input = '') {
  try {
    execFileSync(program, args, { input, stdio: ['pipe', 'ignore', 'ignore'] });
    return true;
  } catch {
    return false;
  }
}

/** Why no QEMU can be measured here, or null. */
export function qemuObstacle() {
  if (!runs(QEMU)) return `${QEMU} is not installed: ${INSTALL}`;
  const missing = ['as', 'ld'].filter((program) => !runs(program));
  if (missing.length === 0) return null;
  return `${missing.join(' and ')}, which make QEMU's guest, are missing: apt-get install binutils`;
}

const TRY_KVM = ['-accel', 'kvm', '-machine', 'none', '-nodefaults', '-display', 'none'];
let kvmWorks;

/** How QEMU runs its guest here: with `tcg` the guest is translated, and slow. QEMU itself is asked, once. */
export function accelerator() {
  kvmWorks ??= runs(QEMU, [...TRY_KVM, '-monitor', 'stdio'], 'quit\n');
  return kvmWorks ? 'kvm' : 'tcg';
}

export function qemuVersion() {
  const text = execFileSync(QEMU, ['--version'], { encoding: 'utf8' });
  return /version (\S+)/.exec(text)?.[1] ?? 'unknown';
}

function argumentsFor({ memoryBytes, populate, rom, marksSocket, monitorSocket, incoming }) {
  const megabytes = memoryBytes / MIB;
  return [
    // Every processor that QEMU knows will do: the guest needs long mode and nothing else.
    ...['-machine', 'pc,memory-backend=ram', '-accel', accelerator(), '-cpu', 'qemu64'],
    ...['-m', `${megabytes}M`, '-bios', rom],
    ...[
      '-object',
      `memory-backend-ram,id=ram,size=${megabytes}M,prealloc=${populate ? 'on' : 'off'}`,
    ],
    // A guest that faults must not start anew, unnoticed.
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-chardev', `socket,id=marks,path=${marksSocket}`, '-serial', 'chardev:marks'],
    ...['-qmp', `unix:${monitorSocket}`],
    ...(incoming ? ['-incoming', 'defer'] : []),
  ];
}

export class QemuProcess {
  /** Resolves when the process has ended and `onExit` was told. */
  gone;
  #child;
  #said = '';

  /**
   * `prefix` is what puts it into a network namespace; `onExit(error)` is told when it ends before close().
   */
  constructor({ name, prefix, onExit, ...options }) {
    // It must not outlive the bench, however that ends.
    const [command, ...args] = [...prefix, 'setpriv', '--pdeathsig', 'KILL', QEMU];
    this.#child = spawn(command, [...args, ...argumentsFor(options)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#said = (this.#said + text).slice(-MOST_WORDS_OF_QEMU);
    });
    this.gone = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        onExit(error);
        resolve();
      });
      // Not 'exit': by then its last words may not have been read.
      this.#child.once('close', (code, signal) => {
        onExit(new Error(`the ${name} QEMU ended with ${signal ?? code}: ${this.#said.trim()}`));
        resolve();
      });
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Seconds of processor time until now, its guest's included. */
  cpuSeconds() {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // The name before the last parenthesis may hold anything; user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** On return the process is gone. */
  async close() {
    this.#child.kill('SIGKILL');
    await this.gone;
  }
}
