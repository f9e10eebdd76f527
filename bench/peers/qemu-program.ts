// Which QEMU stands beside Pageferry: the one that PAGEFERRY_QEMU names, or the newest on the PATH.
import { execFileSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

const NAME = 'qemu-system-x86_64';
const VARIABLE = 'PAGEFERRY_QEMU';
const INSTALL = 'apt-get install --no-install-recommends qemu-system-x86';

export interface QemuProgram {
  readonly path: string;
  readonly version: string;
}

/** What it says of itself; undefined where it does not run. */
function programAt(path: string): QemuProgram | undefined {
  try {
    const said = execFileSync(path, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const version = /version (\d+(?:\.\d+)*)/.exec(said)?.[1];
    return version === undefined ? undefined : { path, version };
  } catch {
    return undefined;
  }
}

/** Above 0 when `a` is newer. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Answers what stands in the way where there is none. */
export function findQemu(environment: Environment): QemuProgram | { readonly obstacle: string } {
  const named = environment[VARIABLE];
  if (named !== undefined) {
    const obstacle = `${VARIABLE} names ${named}, which does not run or is no QEMU`;
    return programAt(named) ?? { obstacle };
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const [newest] = [...new Set(folders)]
    .flatMap((folder) => programAt(join(folder, NAME)) ?? [])
    .sort((a, b) => compareVersions(b.version, a.version));
  return newest ?? { obstacle: `${NAME} is not installed: ${INSTALL}` };
}

let found: ReturnType<typeof findQemu> | undefined;

/** The one of this process, looked for once. */
function search(): ReturnType<typeof findQemu> {
  found ??= findQemu(process.env);
  return found;
}

export function missingQemu(): string | null {
  const qemu = search();
  return 'obstacle' in qemu ? qemu.obstacle : null;
}

/** Throws where there is none. */
export function qemuProgram(): QemuProgram {
  const qemu = search();
  if ('obstacle' in qemu) throw new Error(qemu.obstacle);
  return qemu;
}

/** Names what a row has beside it, with its version; known once it was measured. */
export function namesQemu(variant?: string): () => string {
  return () => `QEMU ${qemuProgram().version}${variant === undefined ? '' : `, ${variant}`}`;
}
