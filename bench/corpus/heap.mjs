// A JavaScript heap for the corpus: the records of a file as objects, some of which are replaced all the time.
//
//   node heap.mjs RECORDS
//
// Says `ready` once they are all there.
import { readFileSync } from 'node:fs';

const EVERY_MS = 10;
const AT_ONCE = 40;

const records = new Map();
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  if (line === '') continue;
  const record = JSON.parse(line);
  records.set(record.email, { ...record, born: new Date(record.born) });
}
const emails = [...records.keys()];
let turn = 0;
setInterval(() => {
  for (let i = 0; i < AT_ONCE; i += 1) {
    turn += 1;
    const email = emails[(turn * 7919) % emails.length];
    const { tags, ...record } = records.get(email);
    records.set(email, {
      ...record,
      balance: record.balance + turn,
      tags: [...tags.slice(-3), `turn-${turn}`],
    });
  }
}, EVERY_MS);
console.log('ready');
