/** What a page of documentation consists of, as far as its tests look at it. */

export interface Fence {
  /** What is written behind its first three backticks; '' when nothing is. */
  readonly language: string;
  readonly text: string;
}

export interface Link {
  /** '' when it leads to a heading of the same page. */
  readonly path: string;
  /** '' when it leads to the whole page. */
  readonly heading: string;
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const SPAN = /`([^`\n]+)`/g;
const LINK = /\]\(([^)\s]+)\)/g;
const HEADING = /^#+ +(.+)$/gm;

const first = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, it = '']) => it);

export function fencesOf(page: string): readonly Fence[] {
  return [...page.matchAll(FENCE)].map(([, language = '', text = '']) => ({ language, text }));
}

/** What is set as code within a line. */
export function spansOf(page: string): readonly string[] {
  return first(page.replace(FENCE, ''), SPAN);
}

/** Those that stay within the project. */
export function linksOf(page: string): readonly Link[] {
  const targets = first(page.replace(FENCE, '').replace(SPAN, '`'), LINK);
  return targets
    .filter((target) => !/^\w+:/.test(target))
    .map((target) => {
      const [path = '', heading = ''] = target.split('#');
      return { path, heading };
    });
}

/** What a link has behind its `#` to lead to a heading of the page. */
export function headingsOf(page: string): readonly string[] {
  return first(page.replace(FENCE, ''), HEADING).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The lines of every table, cell by cell, without those that only separate. */
export function tableRowsOf(page: string): readonly (readonly string[])[] {
  const lines = page
    .split('\n')
    .filter((line) => /^\|.*\|$/.test(line) && !/^[|\s:-]+$/.test(line));
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}
