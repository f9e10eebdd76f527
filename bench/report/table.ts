// The rows as a table, by scenario.
import type { Result, Row } from '../result/schema.js';
import { spread, targetText, verdict } from './format.js';
import { anchor, type Html, html } from './html.js';
import { groupBy } from './select.js';

const VERDICT_CLASS: Readonly<Record<string, string>> = {
  yes: 'met',
  no: 'missed',
  skipped: 'absent',
  failed: 'missed',
};

const NOTHING = '–';

/** On a phone, where each cell is a line, those without content are left out. */
function cell(label: string, kind: string, content: Html | string): Html {
  const classes = content === NOTHING ? `${kind} empty` : kind;
  return html`<td class="${classes}" data-label="${label}">${content}</td>`;
}

function figures(row: Row): Html {
  if (row.status !== 'measured') {
    const { status, reason } = row;
    return html`<td class="reason" colspan="3" data-label="${status}">${status}: ${reason}</td>`;
  }
  const { measured, baseline, ratio, unit } = row;
  const beside = baseline
    ? html`<span class="figure">${spread(baseline, unit)}</span><br><span class="soft">${baseline.name}</span>`
    : NOTHING;
  return html`${cell('measured', 'figure', spread(measured, unit))}
    ${cell('beside it', 'beside', beside)}
    ${cell('ratio', 'figure', ratio ? spread(ratio) : NOTHING)}`;
}

function tableRow(row: Row): Html {
  const met = verdict(row);
  return html`<tr>
    <th scope="row">${row.title}</th>
    ${figures(row)}
    ${cell('target', 'figure', targetText(row.target, row.unit))}
    ${cell('met', VERDICT_CLASS[met] ?? 'unjudged', met)}
  </tr>`;
}

function body(scenario: string, rows: readonly Row[], methods: ReadonlySet<string>): Html {
  const name = methods.has(scenario)
    ? html`<a href="#${anchor('method', scenario)}">${scenario}</a>`
    : scenario;
  return html`<tbody>
    <tr class="scenario"><th scope="rowgroup" colspan="6">${name}</th></tr>
    ${rows.map(tableRow)}
  </tbody>`;
}

export function resultTable({ rows, methods }: Result): Html {
  const described = new Set(methods.map(({ name }) => name));
  return html`<table>
    <thead><tr>
      <th scope="col">Case</th><th scope="col">Measured</th><th scope="col">Beside it, in the same run</th>
      <th scope="col">Ratio</th><th scope="col">Target</th><th scope="col">Met</th>
    </tr></thead>
    ${[...groupBy(rows, ({ scenario }) => scenario)].map(([scenario, group]) => body(scenario, group, described))}
  </table>`;
}
