// Where things lie: this file is built into dist/bench/lib/.
import { fileURLToPath } from 'node:url';

/** The package's own folder. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));
