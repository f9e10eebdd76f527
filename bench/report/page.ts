// The page around the plots.
import { CODECS_SUITE } from '../codecs/names.js';
import type { Result, Row } from '../result/schema.js';
import { CODECS_LEGEND, type Overview, overviewsOf, overviewText } from './codec-overview.js';
import {
  bytes,
  comparedText,
  machine,
  moment,
  repetitionsText,
  stallsText,
  stolenText,
} from './format.js';
import { anchor, type Html, html, raw } from './html.js';
import { cell } from './html-table.js';
import { matricesOf } from './matrix.js';
import { matrixTable } from './matrix-table.js';
import {
  type Figures,
  type LegendItem,
  legendSymbol,
  type Panel,
  type Section,
} from './section.js';
import { style } from './style.js';
import { resultTable } from './table.js';

function legendItem({ label, color, symbol, isArea, isHollow }: LegendItem): Html {
  const key =
    symbol === undefined
      ? html`<span class="${isArea ? 'key area' : 'key line'}" style="--key: ${color}"></span>`
      : html`<span class="key symbol" style="--key: ${color}">${legendSymbol(symbol, isHollow)}</span>`;
  return html`<li>${key}${label}</li>`;
}

function legend(items: readonly LegendItem[] = []): Html | false {
  return (
    items.length > 0 && html`<ul class="legend" aria-hidden="true">${items.map(legendItem)}</ul>`
  );
}

function panel({ title, facts, legend: items, plots }: Panel): Html {
  return html`<div class="panel">
    <h3>${title}</h3>
    ${facts && html`<p class="facts">${facts}</p>`}
    ${legend(items)}
    ${plots}
  </div>`;
}

function section({ title, legend: items, panels, caption }: Section, number: number): Html {
  return html`<section>
    <h2>${title}</h2>
    <figure>
      ${legend(items)}
      <div class="panels">${panels.map(panel)}</div>
      <figcaption><b>Figure ${number}.</b> ${caption}</figcaption>
    </figure>
  </section>`;
}

function counts(rows: readonly Row[]): string {
  const withTarget = rows.filter(({ met }) => met !== null);
  const met = withTarget.filter((row) => row.met).length;
  const count = (status: string) => rows.filter((row) => row.status === status).length;
  return [
    `${rows.length} rows`,
    ...(withTarget.length > 0 ? [`${met} of ${withTarget.length} targets met`] : []),
    ...['skipped', 'failed']
      .filter((status) => count(status) > 0)
      .map((status) => `${count(status)} ${status}`),
  ].join(', ');
}

function fact(name: string, value: Html | string | undefined): Html | '' | undefined {
  return value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** What the host of a virtual machine withheld. */
function hostText({ stolen, migrations }: Result): string {
  return [stolenText(stolen), stallsText(migrations)].filter((text) => text !== null).join('. ');
}

function head({ suite, startedAt, finishedAt, repetitions, environment, rows }: Result): Html {
  return html`<header>
    <h1>Pageferry bench: ${suite}</h1>
    <p class="lead">${counts(rows)}. Figures are medians [lowest … highest] of ${repetitionsText(repetitions, rows)}, ${startedAt.slice(0, 10)}, on ${machine(environment)}. <a href="#run">More of the run</a></p>
    ${finishedAt === null && html`<p class="warning">This run has not finished: what is here was measured, the rest is missing.</p>`}
    ${!environment.quiet && html`<p class="warning">Other programs used ${Math.round(environment.othersCpuShare * 100)} % of the machine when this run began.</p>`}
  </header>`;
}

function run(result: Result): Html {
  const { command, startedAt, finishedAt, environment } = result;
  const { node, compiler, commit, modified, congestionControl, warmedBytes } = environment;
  return html`<section id="run">
    <h2>The run</h2>
    <dl class="facts">
      ${fact('Command', html`<code>${command}</code>`)}
      ${fact('Date', `${moment(startedAt)}${finishedAt === null ? '' : ` – ${moment(finishedAt)}`}`)}
      ${fact('Machine', machine(environment))}
      ${fact('Software', `Node.js ${node}${compiler ? `, g++ ${compiler}` : ''}, commit ${commit ?? 'unknown'}${modified ? ' with changes' : ''}`)}
      ${fact('Host', hostText(result))}
      ${fact('Network', congestionControl && `default congestion control ${congestionControl}`)}
      ${fact('Memory', warmedBytes > 0 ? `${bytes(warmedBytes)} warmed before timing` : 'one run of each scenario before those that count warms the memory')}
    </dl>
  </section>`;
}

function methodList(methods: Result['methods']): Html {
  return html`<section>
    <h2>Methods</h2>
    <dl class="methods">${methods.map(({ name, how }) => html`<div id="${anchor('method', name)}"><dt>${name}</dt><dd>${how}</dd></div>`)}</dl>
  </section>`;
}

/** Of policies by links: mean over the images, and the worst of them. */
function overviewTable({ title, policies, links }: Overview): Html {
  return html`<h3>${title}: mean of the images, (worst)</h3>
  <table class="matrix">
    <thead><tr><th scope="col">Link</th>${policies.map((policy) => html`<th scope="col">${policy}</th>`)}</tr></thead>
    <tbody>${links.map(({ link, cells }) => html`<tr><th scope="row">${link}</th>${policies.map((policy) => cell(policy, 'figure', overviewText(cells.get(policy))))}</tr>`)}</tbody>
  </table>`;
}

function results(result: Result): Html {
  const { rows, methods, compared } = result;
  const described = new Set(methods.map(({ name }) => name));
  const { matrices, others } = matricesOf(rows);
  const verified = comparedText(compared);
  return html`<section>
    <h2>Results</h2>
    ${overviewsOf(result).map(overviewTable)}
    ${result.suite === CODECS_SUITE && html`<p class="soft">${CODECS_LEGEND}</p>`}
    ${matrices.length > 0 && matrixTable(matrices, described)}
    ${matrices.length > 0 && verified !== null && html`<p class="soft">Verified: ${verified}.</p>`}
    ${(others.length > 0 || matrices.length === 0) && resultTable(others, described, compared)}
  </section>`;
}

/** The whole page around what plots/ made. */
export function page(result: Result, { lead, others }: Figures): string {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Pageferry bench: ${result.suite}, ${result.startedAt.slice(0, 10)}</title>
<style>
${raw(style)}</style>
</head>
<body>
<main>
${head(result)}
${lead.map((one, i) => section(one, i + 1))}
${results(result)}
${others.map((one, i) => section(one, lead.length + i + 1))}
${run(result)}
${methodList(result.methods)}
</main>
</body>
</html>
`;
  return document.text;
}
