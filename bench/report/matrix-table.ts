// Cases × strategies as a table, the figures below each other.
import type { Row } from '../result/schema.js';
import { number, targetText, verdict } from './format.js';
import { type Html, html } from './html.js';
import { cell, NOTHING, scenarioName } from './html-table.js';
import type { Matrix, MatrixCase } from './matrix.js';

function content(row: Row | undefined): Html | string {
  if (row === undefined) return NOTHING;
  if (row.status !== 'measured') {
    return html`<span class="reason">${row.status}: ${row.reason}</span>`;
  }
  const { median, min, max, samples } = row.measured;
  return html`${number(median)}${samples.length > 1 && html` <span class="soft">[${number(min)} … ${number(max)}]</span>`}${row.target !== null && html`<br><span class="soft">${targetText(row.target, row.unit)}: ${verdict(row)}</span>`}`;
}

function tableRow(
  { scenario, title, cells }: MatrixCase,
  strategies: readonly string[],
  described: ReadonlySet<string>,
): Html {
  return html`<tr>
    <th scope="row">${scenarioName(scenario, described)}${title !== '' && html`<br><span class="soft">${title}</span>`}</th>
    ${strategies.map((strategy) => cell(strategy, 'figure', content(cells.get(strategy))))}
  </tr>`;
}

function body({ figure, unit, strategies, cases }: Matrix, described: ReadonlySet<string>): Html {
  return html`<tbody>
    <tr class="scenario"><th scope="rowgroup" colspan="${strategies.length + 1}"><b>${figure}</b>, ${unit}</th></tr>
    ${cases.map((one) => tableRow(one, strategies, described))}
  </tbody>`;
}

/** At least one; all of them have the same strategies. */
export function matrixTable(matrices: readonly Matrix[], described: ReadonlySet<string>): Html {
  const strategies = matrices[0]?.strategies ?? [];
  return html`<table class="matrix">
    <thead><tr>
      <th scope="col">Case</th>${strategies.map((strategy) => html`<th scope="col">${strategy}</th>`)}
    </tr></thead>
    ${matrices.map((matrix) => body(matrix, described))}
  </table>`;
}
