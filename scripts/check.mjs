// `npm run check`: every static check, each to its end, then one line for each.
//
//   node scripts/check.mjs [--junit FILE]
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { root } from './project-files.mjs';

const steps = [
  { name: 'format and lint', command: ['npx', '--no-install', 'biome', 'check', '.'] },
  { name: 'types', command: ['npx', '--no-install', 'tsc', '--noEmit'] },
  { name: 'layering', command: ['node', 'scripts/lint-layering.mjs'] },
  { name: 'names', command: ['node', 'scripts/lint-names.mjs'] },
  {
    name: 'native format',
    command: ['node', 'scripts/format.mjs', '--check-native'],
    // Other versions format differently; this is Debian 12's.
    needs: { command: ['clang-format', '--version'], prints: 'version 14.' },
  },
];

function isMet({ command: [command, ...args], prints }) {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return stdout?.includes(prints) ?? false;
}

function runStep({ command: [command, ...args], needs }) {
  if (needs && !isMet(needs)) return 'skipped';
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  return status === 0 ? 'passed' : 'failed';
}

function junit(results) {
  const count = (outcome) => results.filter((result) => result.outcome === outcome).length;
  return `<testsuite name="check" tests="${results.length}" failures="${count('failed')}" skipped="${count('skipped')}"/>\n`;
}

const results = steps.map((step) => ({ ...step, outcome: runStep(step) }));
for (const { name, outcome, needs } of results) {
  const reason = outcome === 'skipped' ? ` (needs ${needs.command[0]} ${needs.prints})` : '';
  console.log(`check: ${name}: ${outcome}${reason}`);
}
if (process.argv[2] === '--junit') writeFileSync(process.argv[3], junit(results));
process.exit(results.some(({ outcome }) => outcome === 'failed') ? 1 : 0);
