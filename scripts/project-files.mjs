// What the lint scripts share: the project's own files, and a source without its comments.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Paths, relative to `folder`, of every file that Git tracks or would track. */
export function projectFiles(folder = root) {
  const list = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  return [...new Set(list.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(folder, path)))
    .sort();
}

export function readProjectFile(path, folder = root) {
  return readFileSync(join(folder, path), 'utf8');
}

/**
 * The same text with every comment blanked out, line numbers kept. Reads C++ and TypeScript well
 * enough for a lint: strings and templates are skipped so that a `//` inside one stays.
 */
export function withoutComments(text) {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
  return text.replace(token, (match) =>
    match.startsWith('//') || match.startsWith('/*') ? match.replace(/[^\n]/g, ' ') : match,
  );
}

/** Every match of `pattern` (global) in `text`, each with its 1-based line. */
export function matches(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => ({
    match,
    line: text.slice(0, match.index).split('\n').length,
  }));
}

/** Prints the complaints and ends the process: 0 when there are none, else 1. */
export function finish(name, complaints, fileCount) {
  for (const complaint of complaints) console.error(complaint);
  console.log(`${name}: ${fileCount} files, ${complaints.length} complaints`);
  process.exit(complaints.length === 0 ? 0 : 1);
}
