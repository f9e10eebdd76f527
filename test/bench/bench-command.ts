/** What the tests of `pageferry bench` share: a folder each, scenario files, and who its processes are. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, Pageferry } from '../cli/pageferry.js';
import { atEnd } from '../support/at-end.js';

/** A migration that takes no time: `name` and what else differs. */
export function small(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'small', memory: '16MiB', workload: 'idle', strategy: 'pre-copy', ...fields };
}

/** A folder that is removed after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageferry-bench-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeJson(folder: string, name: string, value: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(value));
  return file;
}

export async function bench(...args: string[]): Promise<Ended> {
  return await new Pageferry(['bench', ...args]).ended;
}

export interface Row {
  readonly scenario: string;
  readonly key: string;
  readonly status: string;
  readonly reason?: string;
  readonly measured?: {
    readonly median: number;
    readonly min: number;
    readonly max: number;
    readonly samples: readonly number[];
  };
}

/** What tests look at in a result. */
export interface Result {
  readonly suite: string;
  readonly finishedAt: string | null;
  readonly rows: readonly Row[];
  readonly stolen: readonly {
    readonly scenario: string;
    readonly repetition: number;
    readonly share: number;
  }[];
}

export function readResult(file: string): Result {
  return JSON.parse(readFileSync(file, 'utf8')) as Result;
}

/** The samples of a migration's total time. */
export function samplesOf(result: Result, scenario: string): readonly number[] {
  const row = result.rows.find(({ key }) => key === `${scenario}-total`);
  return row?.measured?.samples ?? [];
}

/** The processes that this one started, and those that they did. */
export function descendants(pid: number): number[] {
  let children: number[];
  try {
    children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter((word) => word !== '')
        .map(Number),
    );
  } catch {
    return []; // It has ended.
  }
  return children.flatMap((child) => [child, ...descendants(child)]);
}
