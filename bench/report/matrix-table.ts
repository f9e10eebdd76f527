// Cases × strategies, or policies, as a table, the figures below each other.
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
  columns: readonly string[],
  described: ReadonlySet<string>,
): Html {
  return html`<tr>
    <th scope="row">${scenarioName(scenario, described)}${title !== '' && html`<br><span class="soft">${title}</span>`}</th>
    ${columns.map((column) => cell(column, 'figure', content(cells.get(column))))}
  </tr>`;
}

function body({ figure, unit, columns, cases }: Matrix, described: ReadonlySet<string>): Html {
  return html`<tbody>
    <tr class="scenario"><th scope="rowgroup" colspan="${columns.length + 1}"><b>${figure}</b>, ${unit}</th></tr>
    ${cases.map((one) => tableRow(one, columns, described))}
  </tbody>`;
}

/** At least one; all of them have the same columns. */
export function matrixTable(matrices: readonly Matrix[], described: ReadonlySet<string>): Html {
  const columns = matrices[0]?.columns ?? [];
  return html`<table class="matrix">
    <thead><tr>
      <th scope="col">Case</th>${columns.map((column) => html`<th scope="col">${column}</th>`)}
    </tr></thead>
    ${matrices.map((matrix) => body(matrix, described))}
  </table>`;
}
