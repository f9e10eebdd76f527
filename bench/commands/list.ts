// `pageferry bench list`
import { suites } from '../suites/index.mjs';

export function listCommand() {
  const lines = suites.flatMap(({ name, title, scenarios }) => [
    `${name}: ${title}`,
    ...scenarios.map((scenario) => `  ${scenario.name}`),
  ]);
  process.stdout.write(`${lines.join('\n')}\n`);
}
