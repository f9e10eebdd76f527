// The page's style sheet.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/places.js';

export const style = readFileSync(join(root, 'bench', 'report', 'style.css'), 'utf8');

/** The custom properties that hold in the light, by their names: `--ink` is `#1b1d21`. */
export function lightColors(): ReadonlyMap<string, string> {
  const [, light = ''] = /:root \{([^}]*)\}/.exec(style) ?? [];
  const found = light.matchAll(/(--[\w-]+): ([^;]+);/g);
  return new Map([...found].map(([, name = '', value = '']) => [name, value]));
}
