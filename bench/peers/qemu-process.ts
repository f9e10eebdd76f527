// One QEMU, and what it costs.
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Side } from '../links/link.js';
import { compareVersions, missingQemu, qemuProgram } from './qemu-program.js';
import { TAPE_ADDRESS } from './rom.js';

/** USER_HZ: the unit of times in /proc, the same on every x86-64 Linux. */
const TICKS_PER_SECOND = 100;
const MIB = 2 ** 20;
/** Of the memory and all that is plugged into it; what is not plugged costs nothing. */
const MODULES_END_BYTES = 16 * 2 ** 30;
const MOST_WORDS_OF_QEMU = 2000;

/** Whether it is there and ends well; '--version' is what asks the least of it. */
function runs(program: string, args: readonly string[] = ['--version'], input = ''): boolean {
  try {
    execFileSync(program, args, { input, stdio: ['pipe', 'ignore', 'ignore'] });
    return true;
  } catch {
    return false;
  }
}

/** Why no QEMU can be measured here, or null. */
export function qemuObstacle(): string | null {
  const none = missingQemu();
  if (none !== null) return none;
  const missing = ['as', 'ld'].filter((program) => !runs(program));
  if (missing.length === 0) return null;
  return `${missing.join(' and ')}, which make QEMU's guest, are missing: apt-get install binutils`;
}

const TRY_KVM = ['-accel', 'kvm', '-machine', 'none', '-nodefaults', '-display', 'none'];
let kvmWorks: boolean | undefined;

/** How QEMU runs its guest here: with `tcg` the guest is translated, and slow. QEMU itself is asked, once. */
export function accelerator(): 'kvm' | 'tcg' {
  kvmWorks ??= runs(qemuProgram().path, [...TRY_KVM, '-monitor', 'stdio'], 'quit\n');
  return kvmWorks ? 'kvm' : 'tcg';
}

/**
 * The first version that is told of every write of a guest that it translates ("physmem: Fix migration dirty bitmap
 * coherency with TCG memory access").
 */
const TRANSLATES_SAFELY_FROM = '9.0';

/** Why the guest of such a QEMU may arrive with old pages, or null. */
export function translationObstacle(accel: 'kvm' | 'tcg', version: string): string | null {
  if (accel === 'kvm' || compareVersions(version, TRANSLATES_SAFELY_FROM) >= 0) return null;
  return `there is no /dev/kvm, and QEMU ${version} does not send all that a guest writes which it translates; QEMU ${TRANSLATES_SAFELY_FROM} does`;
}

/** Why no migration of QEMU's whose guest is compared afterwards can be measured here, or null. */
export function comparedObstacle(): string | null {
  return qemuObstacle() ?? translationObstacle(accelerator(), qemuProgram().version);
}

/** What the guest reads, and does not have in its memory. */
export interface TapeFile {
  readonly path: string;
  readonly bytes: number;
}

interface Machine {
  readonly memoryBytes: number;
  /** Touches the guest's memory before it starts. */
  readonly populate: boolean;
  readonly rom: string;
  readonly tape?: TapeFile | undefined;
  readonly marksSocket: string;
  readonly monitorSocket: string;
  /** Waits for a migration instead of starting the guest. */
  readonly incoming: boolean;
}

export interface QemuOptions extends Machine {
  readonly name: Side;
  /** What puts it into a network namespace. */
  readonly prefix: readonly string[];
  /** What its environment has beside the bench's. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Is told when it ends before close(). */
  readonly onExit: (error: Error) => void;
}

/** A memory module of its own; shared with the file, so that x-ignore-shared leaves it out of a migration. */
function argumentsForTape({ path, bytes }: TapeFile): string[] {
  return [
    ...['-object', `memory-backend-file,id=tape,mem-path=${path},size=${bytes},share=on`],
    ...['-device', `pc-dimm,id=module,memdev=tape,addr=${TAPE_ADDRESS}`],
  ];
}

function argumentsFor(machine: Machine): string[] {
  const { memoryBytes, populate, rom, tape, marksSocket, monitorSocket, incoming } = machine;
  const megabytes = memoryBytes / MIB;
  const modules = tape === undefined ? '' : `,slots=1,maxmem=${MODULES_END_BYTES / MIB}M`;
  return [
    // Every processor that QEMU knows will do: the guest needs long mode and nothing else.
    ...['-machine', 'pc,memory-backend=ram', '-accel', accelerator(), '-cpu', 'qemu64'],
    ...['-m', `${megabytes}M${modules}`, '-bios', rom],
    ...[
      '-object',
      `memory-backend-ram,id=ram,size=${megabytes}M,prealloc=${populate ? 'on' : 'off'}`,
    ],
    ...(tape === undefined ? [] : argumentsForTape(tape)),
    // A guest that faults must not start anew, unnoticed.
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-chardev', `socket,id=marks,path=${marksSocket}`, '-serial', 'chardev:marks'],
    ...['-qmp', `unix:${monitorSocket}`],
    ...(incoming ? ['-incoming', 'defer'] : []),
  ];
}

export class QemuProcess {
  /** Resolves when the process has ended and `onExit` was told. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcessByStdio<null, null, Readable>;
  #said = '';

  constructor({ name, prefix, environment, onExit, ...machine }: QemuOptions) {
    // It must not outlive the bench, however that ends.
    const { path } = qemuProgram();
    const wrapper = ['setpriv', '--pdeathsig', 'KILL', path];
    const [command = path, ...args] = [...prefix, ...wrapper, ...argumentsFor(machine)];
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
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

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Seconds of processor time until now, its guest's included. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // The name before the last parenthesis may hold anything; user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** On return the process is gone. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.gone;
  }
}
