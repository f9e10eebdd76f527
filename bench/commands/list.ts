// `pageferry bench list [SUITE|FILE.json]`
import { findSuite } from '../suites/find.js';
import { suites } from '../suites/index.js';

/** With a name that suite or file alone, and of a file every case. */
export async function listCommand(name?: string): Promise<void> {
  const listed = name === undefined ? suites : [await findSuite(name, true)];
  const lines = listed.flatMap(({ name: suite, title, scenarios }) => [
    `${suite}: ${title}`,
    ...scenarios.map((scenario) => `  ${scenario.name}`),
  ]);
  process.stdout.write(`${lines.join('\n')}\n`);
}
