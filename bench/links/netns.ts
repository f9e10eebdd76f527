// Two network namespaces joined by a veth pair; or, where the link has a rate, by a switch in a third one, whose ports are
// shaped by token buckets. A bucket on a side's own device would not do: what finds its queue full is refused to the sender's
// kernel, which knows of no loss then and tries again after 200 ms. Behind a switch it is lost as on any other link.
//
// Everything here is synchronous: nothing can interrupt the making of a namespace and leave half of it,
// and what is left when the process exits can be removed on its way out.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { errorOf, saidBy } from '../lib/errors.js';
import type { Link, Side } from './link.js';
import type { NetnsLink } from './wanted-link.js';

const SIDES = ['source', 'destination'] as const;
const ADDRESSES = { source: '10.77.0.1', destination: '10.77.0.2' };
const DEVICE = 'bench0';
const BRIDGE = 'switch0';
/** The whole namespace is ours, so its addresses and devices cannot collide with the machine's. */
const OURS = /^pageferry-bench-(\d+)-(\d+)-/;

const open = new Set<Namespaces>();
let made = 0;

function run(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { message, stderr } = saidBy(error);
    const said = (stderr || message).trim().replace(/\s*\n\s*/g, ' ');
    throw new Error(`${command} ${args.join(' ')}: ${said}`);
  }
}

/** When the process began, in ticks since boot, so that another one that gets its pid is not taken for it. */
function startOf(pid: number | string): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The 22nd field. The second, the name, is in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function listed(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    // No namespace has ever been made here.
    return [];
  }
}

/** Removes what benches left that were killed. */
function removeLeftovers(): void {
  for (const name of listed()) {
    const [, pid, start] = OURS.exec(name) ?? [];
    // Another bench may be removing it too.
    if (pid !== undefined && startOf(pid) !== start)
      attempt(() => run('ip', 'netns', 'delete', name));
  }
}

/** Answers the error, or null. */
function attempt(act: () => void): Error | null {
  try {
    act();
    return null;
  } catch (error) {
    return errorOf(error);
  }
}

/**
 * A token bucket's depth and its queue. The bucket holds what the link carries in a millisecond, and at
 * least one packet of the size that TCP hands to a device (64 KiB): a larger one would be cut up. Two
 * milliseconds more may wait: enough to keep the link busy, and a demand page is not late.
 */
function shapingOf(rateBytesPerSecond: number): string[] {
  const perMs = Math.ceil(rateBytesPerSecond / 1000);
  const burst = Math.max(perMs, 68 * 1024);
  return [
    'rate',
    `${rateBytesPerSecond}bps`,
    'burst',
    `${burst}b`,
    'limit',
    `${burst + 2 * perMs}b`,
  ];
}

class Namespaces {
  readonly #names: Readonly<Record<Side, string>>;
  readonly #switch: string;

  constructor() {
    made += 1;
    const owner = `${process.pid}-${startOf(process.pid)}-${made}`;
    const nameOf = (what: Side | 'switch') => `pageferry-bench-${owner}-${what}`;
    this.#switch = nameOf('switch');
    this.#names = { source: nameOf('source'), destination: nameOf('destination') };
  }

  /** Throws what went wrong; then close() is due all the same. */
  make(rateBytesPerSecond: number | null): void {
    for (const side of SIDES) run('ip', 'netns', 'add', this.#names[side]);
    if (rateBytesPerSecond === null) this.#join();
    else this.#joinBySwitch(shapingOf(rateBytesPerSecond));
    for (const side of SIDES) {
      const inside = ['-n', this.#names[side]];
      run('ip', ...inside, 'address', 'add', `${ADDRESSES[side]}/30`, 'dev', DEVICE);
      for (const device of ['lo', DEVICE]) run('ip', ...inside, 'link', 'set', device, 'up');
    }
  }

  #join(): void {
    const { source, destination } = this.#names;
    const here = ['name', DEVICE, 'netns', source];
    run('ip', 'link', 'add', ...here, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', destination);
  }

  #joinBySwitch(shaping: readonly string[]): void {
    run('ip', 'netns', 'add', this.#switch);
    const inside = ['-n', this.#switch];
    run('ip', ...inside, 'link', 'add', BRIDGE, 'type', 'bridge');
    for (const side of SIDES) {
      const here = ['name', DEVICE, 'netns', this.#names[side]];
      run(
        'ip',
        'link',
        'add',
        ...here,
        'type',
        'veth',
        'peer',
        'name',
        side,
        'netns',
        this.#switch,
      );
      run('ip', ...inside, 'link', 'set', side, 'master', BRIDGE, 'up');
      run('tc', ...inside, 'qdisc', 'add', 'dev', side, 'root', 'tbf', ...shaping);
    }
    run('ip', ...inside, 'link', 'set', BRIDGE, 'up');
  }

  prefix(side: Side): string[] {
    return ['ip', 'netns', 'exec', this.#names[side]];
  }

  /** On return they are gone; throws where that cannot be. */
  close(): void {
    const there = listed();
    const all = [this.#switch, ...SIDES.map((side) => this.#names[side])];
    const left = all.filter((name) => there.includes(name));
    const errors = left.map((name) => attempt(() => run('ip', 'netns', 'delete', name)));
    const error = errors.find((one) => one !== null);
    if (error) throw error;
  }
}

function closeAll(): void {
  for (const namespaces of open) attempt(() => namespaces.close());
}

/** Throws what is missing; then nothing is left. */
export async function openNamespaces({ rateBytesPerSecond }: NetnsLink): Promise<Link> {
  removeLeftovers();
  const namespaces = new Namespaces();
  if (open.size === 0) process.once('exit', closeAll);
  open.add(namespaces);
  const close = async () => {
    namespaces.close();
    open.delete(namespaces);
    if (open.size === 0) process.off('exit', closeAll);
  };
  try {
    namespaces.make(rateBytesPerSecond);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    prefix: (side) => namespaces.prefix(side),
    listenHost: ADDRESSES.destination,
    target: async (port) => ({ host: ADDRESSES.destination, port }),
    close,
  };
}

/** Why there can be no such link here, and what to do about it; or null. */
export function namespacesObstacle({ rateBytesPerSecond }: Omit<NetnsLink, 'kind'>): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces (--netns) need root: run it with sudo';
  const tools = rateBytesPerSecond === null ? ['ip'] : ['ip', 'tc'];
  const missing = tools.filter((tool) => attempt(() => run(tool, '-Version')) !== null);
  if (missing.length > 0) {
    return `network namespaces (--netns) need ${missing.join(' and ')}: apt-get install iproute2`;
  }
  // A container may forbid it to root too, and a kernel may lack veth or tbf: only trying tells.
  const error = attempt(() => tryOut(rateBytesPerSecond));
  return error === null
    ? null
    : `network namespaces (--netns) cannot be had here: ${error.message}`;
}

function tryOut(rateBytesPerSecond: number | null): void {
  const namespaces = new Namespaces();
  try {
    namespaces.make(rateBytesPerSecond);
  } finally {
    namespaces.close();
  }
}
