/** What the tests of `pageferry bench` share: a folder each, scenario files, and who its processes are. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Result, resultSchema } from '#bench/result/schema.js';
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

export function readResult(file: string): Result {
  return v.parse(resultSchema, JSON.parse(readFileSync(file, 'utf8')));
}

/** The samples of a migration's total time. */
export function samplesOf(result: Result, scenario: string): readonly number[] {
  const row = result.rows.find(({ key }) => key === `${scenario}-total`);
  return row?.status === 'measured' ? row.measured.samples : [];
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
