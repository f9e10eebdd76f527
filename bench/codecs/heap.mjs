// A small JavaScript heap for `bench codecs --quick`: records whose text is made of the words of a file, some of which
// are replaced all the time. It follows from the seed.
//
//   node heap.mjs WORDS RECORDS
//
// Says `ready` once they are all there.
import { readFileSync } from 'node:fs';

const [, , file, count] = process.argv;
const words = readFileSync(file, 'utf8').match(/[A-Za-z]+/g);
let state = 1;

function below(end) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * end);
}

function record(id) {
  const first = below(words.length - 40);
  return {
    id,
    name: `${words[below(words.length)]} ${words[below(words.length)]}`,
    balance: below(1_000_000) / 100,
    born: new Date(below(10_000) * 86_400_000),
    about: Buffer.from(words.slice(first, first + 40).join(' ')).toString(),
  };
}

const records = Array.from({ length: Number(count) }, (_, id) => record(id));
setInterval(() => {
  for (let i = 0; i < 40; i += 1) {
    const id = below(records.length);
    records[id] = record(id);
  }
}, 10);
process.stdin.on('end', () => process.exit()).resume();
console.log('ready');
