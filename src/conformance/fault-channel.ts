/** The fault channel: docs/protocol.md, section 2.3. */

import type { Entry } from './entries.js';
import type { Incoming, Reading } from './incoming.js';
import type { Migration } from './migration.js';
import { PageSet } from './page-set.js';
import { readPayload } from './payloads.js';
import {
  checkBare,
  nextHeader,
  PAGES,
  REQUEST,
  type RecordFigures,
  readTable,
} from './record-headers.js';
import type { Place } from './violation.js';

/** Of a fault channel, both ways. */
export class FaultChannel {
  readonly #m: Migration;
  readonly #figures: RecordFigures;
  readonly #asked = new PageSet();
  readonly #waiting = new PageSet();

  constructor(m: Migration, figures: RecordFigures) {
    this.#m = m;
    this.#figures = figures;
  }

  *readRequests(incoming: Incoming): Reading {
    const m = this.#m;
    const at = { channel: 'fault', direction: 'to-source' } as const;
    for (;;) {
      const header = yield* nextHeader({ m, figures: this.#figures, at, incoming });
      if (header === undefined) return;
      if (header.type !== REQUEST) {
        m.violates('2', header.place, 'a request', `type ${header.type}`);
        return;
      }
      if (!checkBare(m, header)) return;
      this.#figures.records.request += 1;
      this.#checkRequest(Number(header.value), header.place);
    }
  }

  #checkRequest(page: number, place: Place): void {
    const m = this.#m;
    if (m.switchover?.postCopy !== true) {
      m.violates('6.1', place, 'nothing on the fault channel without post-copy', `a request`);
    }
    if (m.spaceOf(page) === undefined) {
      m.violates('2.2', place, `a page below ${m.pages}`, `page ${page}`);
      return;
    }
    if (this.#asked.has(page))
      m.violates('2.3', place, 'each page asked for once', `page ${page} again`);
    // The source reads a request once it has answered the one before: what it captured has them in that order.
    const waiting = this.#waiting.some();
    if (m.side === 'source' && waiting !== undefined) {
      m.violates('2.3', place, `the answer to the request for page ${waiting}`, 'the next request');
      this.#waiting.delete(waiting);
    }
    this.#asked.add(page);
    this.#waiting.add(page);
  }

  *readAnswers(incoming: Incoming): Reading {
    const m = this.#m;
    const at = { channel: 'fault', direction: 'to-destination' } as const;
    const source = { m, figures: this.#figures, at, incoming };
    for (;;) {
      const header = yield* nextHeader(source);
      if (header === undefined) return;
      if (header.type !== PAGES) {
        m.violates('2', header.place, 'a pages record', `type ${header.type}`);
        return;
      }
      const table = yield* readTable(source, header);
      if (table === undefined) return;
      this.#figures.records.pages += 1;
      this.#checkAnswer(table, header.place);
      for (const entry of table) yield* readPayload(source, entry, true, null);
    }
  }

  #checkAnswer(table: readonly Entry[], place: Place): void {
    const [entry] = table;
    const isOne = table.length === 1 && entry?.pages === 1;
    if (entry === undefined || !isOne || !['raw', 'zero', 'lz4'].includes(entry.content)) {
      const what = table.map(({ pages, content }) => `${pages} ${content}`).join(', ');
      this.#m.violates('2.3', place, 'one entry of one page, raw, zero or lz4', what);
    } else if (!this.#waiting.has(entry.page)) {
      this.#m.violates('2.3', place, 'an answer to a request', `page ${entry.page}, not asked for`);
    } else {
      this.#waiting.delete(entry.page);
    }
  }
}
