// `pageferry bench list`
import { suites } from '../suites/index.js';

export function listCommand(): void {
  const lines = suites.flatMap(({ name, title, scenarios }) => [
    `${name}: ${title}`,
    ...scenarios.map((scenario) => `  ${scenario.name}`),
  ]);
  process.stdout.write(`${lines.join('\n')}\n`);
}
