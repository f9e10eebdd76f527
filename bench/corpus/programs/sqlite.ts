// SQLite's shell, which is told what to do on its input.
import { SeededData } from '../data.js';
import { findProgram } from '../place.js';
import { type CorpusProgram, MIB, pidOf, recordsFor } from '../program.js';

export const sqlite: CorpusProgram = {
  name: 'sqlite',
  title: 'SQLite with a database in memory',
  find: () => ({ sqlite3: findProgram('sqlite3', 'sqlite3') }),
  async start(place, { sqlite3 = '' }, size) {
    const child = place.start(sqlite3, [':memory:']);
    const data = new SeededData(size.seed);
    const count = recordsFor(size, { each: 370, base: 6 * MIB });
    const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
    const ask = async (statements: string) => {
      if (!child.stdin.write(statements)) {
        await place.poll('sqlite takes no statements', () => !child.stdin.writableNeedDrain);
      }
    };
    await ask(
      'create table person (id integer primary key, name text, email text, born text, balance real, about text); create index by_name on person (name); begin;\n',
    );
    for (let id = 0; id < count; id += 1) {
      const { name, email, born, balance, about } = data.record(id);
      const texts = [name, email, born].map(quoted).join(', ');
      await ask(`insert into person values (${id}, ${texts}, ${balance}, ${quoted(about)});\n`);
    }
    await ask("commit; select 'ready';\n");
    await place.ready('sqlite', child);
    const load = setInterval(() => {
      if (child.stdin.writableNeedDrain || !child.stdin.writable) return;
      const updates = Array.from({ length: 40 }, () => {
        const id = data.below(count);
        return `update person set balance = balance + 1, about = ${quoted(data.text(200))} where id = ${id};\n`;
      });
      child.stdin.write(updates.join(''));
    }, 10);
    child.once('exit', () => clearInterval(load));
    return pidOf(child);
  },
};
