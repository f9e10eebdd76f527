// A suite of one's own: a JSON file with a list of migrations, each of which may stand for several cases.
//
//   [{ "name": "ratios", "memory": "64MiB", "workingSet": "16MiB", "strategy": "all",
//      "dirtyRatio": [0.25, 1, 2], "bandwidth": "1Gbit" }]
//
// Sizes, rates and times are written as on the command line. README.md describes the fields.
import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import * as v from 'valibot';
import {
  type Fill,
  memoryForImage,
  type WorkloadChoice,
  type WorkloadOptions,
} from '#engine/index.js';
import { readJson } from '../../result/file.js';
import { migrationScenario, type Wanted } from '../../scenarios/migration.js';
import { errorOf, UsageError } from '../errors.js';
import type { Scenario, Suite } from '../scenario.js';
import { type CheckedCase, checkCases } from './check.js';
import { type LoadedStrategy, loadStrategy } from './own-strategy.js';
import type { Migration } from './schema.js';

const entries = v.pipe(
  v.array(v.record(v.string(), v.unknown())),
  v.minLength(1, 'expected at least one migration'),
);

/** Of the folder that the file is in. */
function located<Located extends { readonly path: string }>(folder: string, at: Located): Located {
  return { ...at, path: resolve(folder, at.path) };
}

function fillIn(folder: string, fill: Fill): Fill {
  return 'path' in fill ? located(folder, fill) : fill;
}

function workloadIn(folder: string, workload: WorkloadChoice): WorkloadChoice {
  return typeof workload !== 'string' && 'path' in workload ? located(folder, workload) : workload;
}

function scenarioOf(
  {
    rtt,
    netns,
    ifNotConverging,
    downtimeBudget,
    ...wanted
  }: Omit<Migration, 'strategy' | 'memory'> & { readonly memory: number },
  strategy: Wanted['strategy'],
): Scenario {
  const limits = { otherwise: ifNotConverging, downtimeBudgetMs: downtimeBudget };
  return migrationScenario({ ...wanted, ...limits, strategy, link: netns ?? rtt });
}

/** Each module is loaded once, however many cases name it. Throws UsageError. */
async function loadStrategies(
  file: string,
  cases: readonly CheckedCase[],
): Promise<ReadonlyMap<string, LoadedStrategy>> {
  const loaded = new Map<string, LoadedStrategy>();
  for (const {
    where,
    migration: { strategy },
  } of cases) {
    if (typeof strategy === 'string' || loaded.has(strategy.path)) continue;
    try {
      loaded.set(strategy.path, await loadStrategy(resolve(dirname(file), strategy.path)));
    } catch (error) {
      throw new UsageError(`${file}: field '${where}.strategy': ${errorOf(error).message}`);
    }
  }
  return loaded;
}

/** Where none is given, which is for an image alone. Throws UsageError. */
async function memoryOf(
  where: string,
  { fill, workload }: Pick<WorkloadOptions, 'workload'> & { readonly fill: Fill },
): Promise<number> {
  try {
    if (fill.kind !== 'image') throw new Error('a guest has no memory');
    return await memoryForImage(fill.path, workload);
  } catch (error) {
    throw new UsageError(`${where}: ${errorOf(error).message}`);
  }
}

/** A run is only resumed with the same ones. */
function digestOf(cases: readonly CheckedCase[], strategies: Iterable<LoadedStrategy>): string {
  const hash = createHash('sha256').update(JSON.stringify(cases.map((one) => one.migration)));
  for (const { text } of strategies) hash.update(text);
  return hash.digest('hex');
}

/** Throws UsageError: which field, and why. `full`: as many cases as there are. */
export async function readScenarioFile(
  file: string,
  full: boolean,
): Promise<Suite & { readonly digest: string }> {
  const cases = checkCases(file, readJson(file, 'a list of migrations', entries), full);
  const strategies = await loadStrategies(file, cases);
  const folder = dirname(file);
  const scenarios: Scenario[] = [];
  for (const { where, migration } of cases) {
    const { strategy, fill, workload, memory, ...wanted } = migration;
    const own = typeof strategy === 'string' ? strategy : strategies.get(strategy.path)?.strategy;
    if (own === undefined) throw new Error('a strategy was not loaded');
    const paths = { fill: fillIn(folder, fill), workload: workloadIn(folder, workload) };
    const bytes = memory ?? (await memoryOf(`${file}: field '${where}.fill'`, paths));
    scenarios.push(scenarioOf({ ...wanted, ...paths, memory: bytes }, own));
  }
  return {
    name: basename(file, '.json'),
    title: `the migrations of ${file}`,
    scenarios,
    full: scenarios,
    digest: digestOf(cases, strategies.values()),
  };
}
