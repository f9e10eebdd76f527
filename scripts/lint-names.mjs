// File names, and what no file may hold: a path or a host of the machine it was written on, a merge
// conflict, a note to do it later, a test that runs alone.
//
//   node scripts/lint-names.mjs [FOLDER]
import { finish, matches, projectFiles, readProjectFile, root } from './project-files.mjs';

const nameRules = [
  { files: /^native\/.*\.(?:h|cc)$/, name: /^[a-z][a-z0-9_]*$/, style: 'snake_case' },
  {
    files: /^(?:src|test|bench|examples|scripts)\/.*\.(?:ts|mjs)$/,
    name: /^[a-z][a-z0-9.-]*$/,
    style: 'kebab-case',
  },
  { files: /^docs\/decisions\//, name: /^(?:README|\d{4}-[a-z0-9-]+)$/, style: 'NNNN-kebab-case' },
];
const contentRules = [
  {
    pattern: /(?<![\w./-])\/(?:home|root|work|Users|tmp)\/[\w.-]+\/[\w.-]/g,
    rule: 'a path of one machine',
  },
  { pattern: /registry\.[a-z0-9.-]+\.[a-z]{2,}/g, rule: 'the host of a package registry' },
  { pattern: /^(?:<{7}|>{7}) /gm, rule: 'a merge conflict' },
  { pattern: /\b(?:TODO|FIXME|XXX)\b/g, rule: 'do it now, or write it in the changelog' },
  {
    pattern: /\b(?:it|test|describe)\.only\s*\(/g,
    rule: 'this runs one test and drops the others',
  },
];
const textFile = /(?:\.(?:h|cc?|ts|mjs|json|md|txt|gyp|yml|yaml|svg)|^\.ci\/run|^[A-Z]\w*)$/;

const folder = process.argv[2] ?? root;
const complaints = [];
const files = projectFiles(folder);
for (const path of files) {
  const name = path
    .split('/')
    .at(-1)
    .replace(/\.\w+$/, '');
  const broken = nameRules.find((rule) => rule.files.test(path) && !rule.name.test(name));
  if (broken) complaints.push(`${path}: the name is not ${broken.style}`);
  if (!textFile.test(path) || path === 'scripts/lint-names.mjs') continue;
  const text = readProjectFile(path, folder);
  for (const { pattern, rule } of contentRules) {
    for (const { match, line } of matches(text, pattern)) {
      complaints.push(`${path}:${line}: ${match[0].trim()}: ${rule}`);
    }
  }
}
finish('names', complaints, files.length);
