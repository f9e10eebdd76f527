// Packages that an installation does not bring: who embeds the engine has no use for them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorOf } from './errors.js';
import { root } from './places.js';

/** What is missing without them, as a sentence begins, and which they are. */
export interface OptionalPackages {
  readonly purpose: string;
  readonly names: readonly string[];
}

export const PLOT_PACKAGES: OptionalPackages = {
  purpose: 'the report is drawn',
  names: ['@observablehq/plot', 'linkedom'],
};

export const PARQUET_PACKAGES: OptionalPackages = {
  purpose: 'Parquet is written',
  names: ['hyparquet-writer'],
};

/** The module that needs such packages, or undefined where one of them is not installed. */
export async function loadIfInstalled<Module>(
  load: () => Promise<Module>,
): Promise<Module | undefined> {
  return await load().catch((error: unknown) => {
    if (errorOf(error).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  });
}

/** What to do about packages that are missing, with the versions that were tested. */
export function howToInstall({ purpose, names }: OptionalPackages): string {
  const file = readFileSync(join(root, 'package.json'), 'utf8');
  const { devDependencies } = JSON.parse(file) as { devDependencies: Record<string, string> };
  const tested = names.map((name) => `${name}@${devDependencies[name]}`);
  return `${purpose} by packages that are not installed. Install them with: npm install ${tested.join(' ')}`;
}
