// A page of a browser: the process that has its document and its scripts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededData } from '../data.js';
import { descendantsOf, findProgram } from '../place.js';
import { type CorpusProgram, MIB, pidOf, recordsFor, residentBytes } from '../program.js';

function isRenderer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--type=renderer');
  } catch {
    return false;
  }
}

export const chromium: CorpusProgram = {
  name: 'chromium',
  title: 'a page in Chromium',
  find: () => ({ chromium: findProgram('chromium', 'chromium') }),
  async start(place, { chromium: browser = '' }, size) {
    const data = new SeededData(size.seed);
    const count = recordsFor(size, { each: 7900, base: 90 * MIB });
    const records = Array.from({ length: count }, (_, id) => data.record(id));
    writeFileSync(place.file('page.html'), pageOf(JSON.stringify(records)));
    const child = place.start(browser, [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--remote-debugging-port=0',
      `--user-data-dir=${place.file('profile')}`,
      `file://${place.file('page.html')}`,
    ]);
    await place.poll('the page does not get ready', async () => {
      const [port] = readFileSync(join(place.file('profile'), 'DevToolsActivePort'), 'utf8').split(
        '\n',
      );
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
      return isReady(await answer.json());
    });
    const renderers = descendantsOf(pidOf(child)).filter(isRenderer);
    const [largest] = renderers.sort((a, b) => residentBytes(b) - residentBytes(a));
    if (largest === undefined) throw new Error('Chromium has no process for its page');
    return largest;
  },
};

/** One of the pages has said so in its title. */
function isReady(targets: unknown): boolean {
  return Array.isArray(targets) && targets.some(({ title }) => title === 'ready');
}

function pageOf(records: string): string {
  return `<!doctype html><meta charset="utf-8"><title>corpus</title><table></table><script>
const records = ${records};
const table = document.querySelector('table');
const rows = records.map((record) => {
  const row = table.insertRow();
  for (const value of Object.values(record)) row.insertCell().textContent = String(value);
  return row;
});
let turn = 0;
setInterval(() => {
  for (let i = 0; i < 20; i += 1) {
    turn += 1;
    const at = turn * 7919 % rows.length;
    records[at].balance += turn;
    rows[at].cells[4].textContent = String(records[at].balance);
  }
}, 20);
document.title = 'ready';
</script>`;
}
