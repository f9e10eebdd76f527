// A suite by its name, or by the file that describes it.
import { UsageError } from '../lib/errors.js';
import type { Suite } from '../lib/scenario.js';
import { readScenarioFile } from '../lib/scenario-file/read.js';
import { suites } from './index.js';

/** `full`: with as many cases as a file may have. Throws UsageError. */
export async function findSuite(name: string, full: boolean): Promise<Suite> {
  const suite = suites.find((one) => one.name === name);
  if (suite !== undefined) return suite;
  if (name.endsWith('.json')) return await readScenarioFile(name, full);
  const names = suites.map((one) => one.name).join(', ');
  throw new UsageError(`no suite is called '${name}'; there are ${names}, or a FILE.json`);
}
