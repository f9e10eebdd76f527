// The rows as a table, by scenario.
import type { Result, Row } from '../result/schema.js';
import { comparedIn, spread, targetText, verdict } from './format.js';
import { type Html, html } from './html.js';
import { cell, NOTHING, scenarioName } from './html-table.js';
import { groupBy } from './select.js';

const VERDICT_CLASS: Readonly<Record<string, string>> = {
  yes: 'met',
  no: 'missed',
  skipped: 'absent',
  failed: 'missed',
};

/** What some rows have and others do not: a column is there only for those that some have. */
interface Shown {
  readonly beside: boolean;
  readonly target: boolean;
}

function shownFor(rows: readonly Row[]): Shown {
  return {
    beside: rows.some((row) => row.status === 'measured' && row.baseline !== null),
    target: rows.some(({ target }) => target !== null),
  };
}

function figures(row: Row, { beside }: Shown): Html {
  if (row.status !== 'measured') {
    const { status, reason } = row;
    return html`<td class="reason" colspan="${beside ? 3 : 1}" data-label="${status}">${status}: ${reason}</td>`;
  }
  const { measured, baseline, ratio, unit } = row;
  const besideIt = baseline
    ? html`<span class="figure">${spread(baseline, unit)}</span><br><span class="soft">${baseline.name}</span>`
    : NOTHING;
  return html`${cell('measured', 'figure', spread(measured, unit))}
    ${beside && cell('beside it', 'beside', besideIt)}
    ${beside && cell('ratio', 'figure', ratio ? spread(ratio) : NOTHING)}`;
}

function tableRow(row: Row, shown: Shown): Html {
  const met = verdict(row);
  return html`<tr>
    <th scope="row">${row.title}</th>
    ${figures(row, shown)}
    ${shown.target && cell('target', 'figure', targetText(row.target, row.unit))}
    ${shown.target && cell('met', VERDICT_CLASS[met] ?? 'unjudged', met)}
  </tr>`;
}

/** Once for all its rows, which are of the same migrations. */
function verifiedIn(compared: Result['compared'], scenario: string): Html | null {
  const text = comparedIn(compared, scenario);
  return text === null ? null : html`, verified: ${text}`;
}

export function resultTable(
  rows: readonly Row[],
  described: ReadonlySet<string>,
  compared: Result['compared'],
): Html {
  const shown = shownFor(rows);
  const columns = 2 + (shown.beside ? 2 : 0) + (shown.target ? 2 : 0);
  const body = ([scenario, group]: readonly [string, readonly Row[]]) => html`<tbody>
    <tr class="scenario"><th scope="rowgroup" colspan="${columns}">${scenarioName(scenario, described)}${verifiedIn(compared, scenario)}</th></tr>
    ${group.map((row) => tableRow(row, shown))}
  </tbody>`;
  return html`<table class="rows">
    <thead><tr>
      <th scope="col">Case</th><th scope="col">Measured</th>
      ${shown.beside && html`<th scope="col">Beside it, in the same run</th><th scope="col">Ratio</th>`}
      ${shown.target && html`<th scope="col">Target</th><th scope="col">Met</th>`}
    </tr></thead>
    ${[...groupBy(rows, ({ scenario }) => scenario)].map(body)}
  </table>`;
}
