// A panel of the report as an SVG file that stands alone: its title, its legend and its plots below each other, in the
// colours of the light, texts as texts.
import { WIDTH } from '../report/draw.js';
import { type Html, html } from '../report/html.js';
import { figuresOf } from '../report/index.js';
import type { LegendItem, Panel } from '../report/section.js';
import { legendSymbol } from '../report/section.js';
import { lightColors } from '../report/style.js';
import type { Result } from '../result/schema.js';

const MARGIN = 8;
const TITLE_HEIGHT = 17;
/** Of a title's line, at most: text is not measured here. */
const TITLE_CHARACTERS = 48;
const LINE_HEIGHT = 15;
/** Of one item; the labels of every legend fit. */
const LEGEND_WIDTH = 182;
const FONT = 'system-ui, Helvetica, Arial, sans-serif';

export interface SvgFile {
  readonly name: string;
  readonly text: string;
}

/** Colours by their value: what reads SVG outside of a browser knows no custom properties. */
function withColors(text: string, colors: ReadonlyMap<string, string>): string {
  return text.replaceAll(/var\((--[\w-]+)\)/g, (whole, name: string) => colors.get(name) ?? whole);
}

/** Height of an SVG that Plot made, from its viewBox. */
function heightOf({ text }: Html): number {
  const [, height] = /viewBox="0 0 [\d.]+ ([\d.]+)"/.exec(text) ?? [];
  if (height === undefined) throw new Error('a plot without a viewBox');
  return Number(height);
}

/** The plot as a part of another SVG. */
function nested({ text }: Html, y: number): string {
  return text.replace('<svg ', `<svg x="${MARGIN}" y="${y}" `).replaceAll('&nbsp;', ' ');
}

function legendKey({ color, symbol, isArea, isHollow }: LegendItem): Html {
  const solid = color.replace(/^color-mix\(in srgb, (.*) (\d+)%, transparent\)$/, '$1');
  const [, share = '100'] = /(\d+)%, transparent\)$/.exec(color) ?? [];
  if (symbol !== undefined) {
    return html`<text fill="${solid}">${legendSymbol(symbol, isHollow)}</text>`;
  }
  return isArea
    ? html`<rect y="-9" width="12" height="10" fill="${solid}" fill-opacity="${Number(share) / 100}"/>`
    : html`<path d="M0,-4H12" stroke="${solid}" stroke-width="2"/>`;
}

function legend(items: readonly LegendItem[], top: number): Html[] {
  return items.map((item, i) => {
    const x = MARGIN + (i % 2) * LEGEND_WIDTH;
    const y = top + LINE_HEIGHT * (Math.floor(i / 2) + 0.75);
    return html`<g transform="translate(${x},${y})">${legendKey(item)}<text x="17" fill="var(--ink)">${item.label}</text></g>`;
  });
}

function drawPanel(panel: Panel, shared: readonly LegendItem[]): string {
  const items = [...shared, ...(panel.legend ?? [])];
  const title = wrapped(panel.title);
  const legendTop = MARGIN + title.length * TITLE_HEIGHT + 3;
  let y = legendTop + Math.ceil(items.length / 2) * LINE_HEIGHT + MARGIN;
  const parts: string[] = [];
  for (const plot of panel.plots) {
    parts.push(nested(plot, y));
    y += heightOf(plot);
  }
  const [width, height] = [WIDTH + 2 * MARGIN, y + MARGIN];
  const head = html`<rect width="${width}" height="${height}" fill="var(--paper)"/>${title.map((line, i) => html`<text x="${MARGIN}" y="${MARGIN + 13 + i * TITLE_HEIGHT}" font-size="13" font-weight="600" fill="var(--ink)">${line}</text>`)}${legend(items, legendTop)}`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}" font-size="11" color="var(--ink)">${head.text}${parts.join('')}</svg>\n`;
  return withColors(svg, lightColors());
}

/** Lines of words. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > TITLE_CHARACTERS) lines.push(word);
    else lines.splice(-1, 1, `${line} ${word}`);
  }
  return lines;
}

function fileName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60);
}

/** One file for each panel of the report, named after its figure's number on the page, its own place and its title. */
export function toSvgs(result: Result): SvgFile[] {
  const { lead, others } = figuresOf(result);
  return [...lead, ...others].flatMap(({ panels, legend: shared = [] }, i) =>
    panels.map((panel, j) => ({
      name: `figure-${i + 1}-${j + 1}-${fileName(panel.title)}.svg`,
      text: drawPanel(panel, shared),
    })),
  );
}
