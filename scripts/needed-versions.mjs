// Which symbol versions of other libraries a binary needs: GLIBC_2.34, GLIBCXX_3.4.29.
import { execFileSync } from 'node:child_process';

/** In no order. `objdump`: the program of that name for the binary's architecture. */
export function neededVersions(file, objdump = 'objdump') {
  const symbols = execFileSync(objdump, ['-T', file], { encoding: 'utf8', maxBuffer: 64 << 20 });
  const undefinedOnes = symbols.split('\n').filter((line) => line.includes('*UND*'));
  return [...new Set(undefinedOnes.flatMap((line) => /\(([A-Z]+_[\d.]+)\)/.exec(line)?.[1] ?? []))];
}

/** The newest version of one library, such as 2.34 for GLIBC, or undefined. */
export function newestVersion(versions, library) {
  return versions
    .filter((version) => version.startsWith(`${library}_`))
    .map((version) => version.slice(library.length + 1))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
}
