// What the tables of the page share.
import { anchor, type Html, html } from './html.js';

export const NOTHING = '–';

/** On a phone, where each cell is a line, those without content are left out. */
export function cell(label: string, kind: string, content: Html | string): Html {
  const classes = content === NOTHING ? `${kind} empty` : kind;
  return html`<td class="${classes}" data-label="${label}">${content}</td>`;
}

/** The scenario, linked to how it measures where that is described. */
export function scenarioName(scenario: string, described: ReadonlySet<string>): Html | string {
  return described.has(scenario)
    ? html`<a href="#${anchor('method', scenario)}">${scenario}</a>`
    : scenario;
}
