// Adds up what the stages of .ci/run left behind and prints what has failed, the counts of each stage, and the last line,
// `N passed, N failed`. The failures stand here once more, because the stages print thousands of lines after them.
//
//   node scripts/ci-total.mjs FOLDER
//
// FOLDER holds for each stage STAGE.status (its exit status) and, when it runs tests, STAGE.xml (a
// JUnit report). A stage that failed without a failed test (it did not build, it crashed) counts as
// one failure, so that nothing fails silently.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const files = readdirSync(folder).sort();

function readReport(stage) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  if (!files.includes(`${stage}.xml`)) return counts;
  const xml = readFileSync(join(folder, `${stage}.xml`), 'utf8');
  for (const [suite] of xml.matchAll(/<testsuite\s[^>]*>/g)) {
    const count = (name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = count('failures') + count('errors');
    const skipped = count('skipped') + count('disabled');
    counts.failed += failed;
    counts.skipped += skipped;
    counts.passed += count('tests') - failed - skipped;
  }
  return counts;
}

const MOST_SHOWN = 2000;

function unescaped(text) {
  const characters = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => characters[name]);
}

/** What each failed test of a stage is called and has said. */
function failuresOf(stage) {
  if (!files.includes(`${stage}.xml`)) return [];
  const xml = readFileSync(join(folder, `${stage}.xml`), 'utf8');
  const cases = xml.matchAll(/<testcase\s([^>]*[^/])>([\s\S]*?)<\/testcase>/g);
  return [...cases].flatMap(([, attributes, body]) => {
    if (!/<(failure|error)\b/.test(body)) return [];
    const name = (key) => new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1] ?? '';
    const said = unescaped(body.replace(/<[^>]*>/g, '')).trim();
    return [`${name('classname')} > ${unescaped(name('name'))}\n${said.slice(0, MOST_SHOWN)}`];
  });
}

for (const stage of files.filter((file) => file.endsWith('.xml')).map((f) => f.slice(0, -4))) {
  for (const failure of failuresOf(stage)) console.log(`FAILED in ${stage}: ${failure}\n`);
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of files.filter((name) => name.endsWith('.status'))) {
  const stage = file.replace(/\.status$/, '');
  const counts = readReport(stage);
  const ended = readFileSync(join(folder, file), 'utf8').trim() === '0';
  if (!ended && counts.failed === 0) counts.failed = 1;
  const hasReport = files.includes(`${stage}.xml`);
  if (ended && !hasReport) counts.passed = 1;
  if (ended && hasReport && counts.passed + counts.failed + counts.skipped === 0) counts.failed = 1;
  console.log(
    `${stage}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
  );
  for (const key of Object.keys(total)) total[key] += counts[key];
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
