// The rows as a table, by scenario.
import { spread, targetText, verdict } from './format.mjs';
import { anchor, html } from './html.mjs';
import { groupBy } from './select.mjs';

const VERDICT_CLASS = { yes: 'met', no: 'missed', skipped: 'absent', failed: 'missed' };

const NOTHING = '–';

/** On a phone, where each cell is a line, those without content are left out. */
function cell(label, kind, content) {
  const classes = content === NOTHING ? `${kind} empty` : kind;
  return html`<td class="${classes}" data-label="${label}">${content}</td>`;
}

function figures({ status, reason, measured, baseline, ratio, unit }) {
  if (status !== 'measured') {
    return html`<td class="reason" colspan="3" data-label="${status}">${status}: ${reason}</td>`;
  }
  const beside = baseline
    ? html`<span class="figure">${spread(baseline, unit)}</span><br><span class="soft">${baseline.name}</span>`
    : NOTHING;
  return html`${cell('measured', 'figure', spread(measured, unit))}
    ${cell('beside it', 'beside', beside)}
    ${cell('ratio', 'figure', ratio ? spread(ratio) : NOTHING)}`;
}

function tableRow(row) {
  const met = verdict(row);
  return html`<tr>
    <th scope="row">${row.title}</th>
    ${figures(row)}
    ${cell('target', 'figure', targetText(row.target, row.unit))}
    ${cell('met', VERDICT_CLASS[met] ?? 'unjudged', met)}
  </tr>`;
}

function group([scenario, rows], methods) {
  const name = methods.has(scenario)
    ? html`<a href="#${anchor('method', scenario)}">${scenario}</a>`
    : scenario;
  return html`<tbody>
    <tr class="scenario"><th scope="rowgroup" colspan="6">${name}</th></tr>
    ${rows.map(tableRow)}
  </tbody>`;
}

export function resultTable({ rows, methods }) {
  const described = new Set(methods.map(({ name }) => name));
  return html`<table>
    <thead><tr>
      <th scope="col">Case</th><th scope="col">Measured</th><th scope="col">Beside it, in the same run</th>
      <th scope="col">Ratio</th><th scope="col">Target</th><th scope="col">Met</th>
    </tr></thead>
    ${[...groupBy(rows, ({ scenario }) => scenario)].map((entry) => group(entry, described))}
  </table>`;
}
