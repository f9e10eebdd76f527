/** Which files, constants and functions a page of documentation names, held against the tree. */

export interface Tree {
  /** Whether there is a file or a folder at this path. */
  has(path: string): boolean;
  /** Whether the sources have this name, as a whole word. */
  mentions(name: string): boolean;
}

/** Under this heading a page lists what the sources do not use. */
const UNUSED = '## Not used here';

const LINK = /\]\(([^)#\s]+)[^)]*\)/g;
const FENCE = /^```\n([\s\S]*?)^```$/gm;
const CODE = /`([^`\n]+)`/g;
const PATH = /(?<![\w./-])\w[\w.-]*\/[\w./-]+/g;
const CONSTANT = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g;

const all = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? match[0]);

/** A link is written from the folder `docs`. */
const fromRoot = (link: string) => (link.startsWith('../') ? link.slice(3) : `docs/${link}`);

/** The words of `Class::member` and `call()`. */
const wordsOf = (code: string) => code.replace(/\(\)$/, '').split('::');

/** What the page names and the tree has not, and what it calls unused and the tree has. Empty when all is right. */
export function wrongNames(page: string, tree: Tree): string[] {
  const fences = all(page, FENCE);
  const prose = page.replace(FENCE, '');
  const [used = '', unused = ''] = prose.split(UNUSED);
  const spans = all(used, CODE);
  const links = all(prose, LINK).filter((link) => !link.includes('://'));
  const paths = [...links.map(fromRoot), ...[...fences, ...spans].flatMap((it) => all(it, PATH))];
  const names = spans.filter((span) => !/\s/.test(span) && all(span, PATH).length === 0);
  return [
    ...paths.filter((path) => !tree.has(path)).map((path) => `there is no ${path}`),
    ...[...new Set([...all(used, CONSTANT), ...names.flatMap(wordsOf)])]
      .filter((name) => !tree.mentions(name))
      .map((name) => `the sources have no ${name}`),
    ...all(unused, CONSTANT)
      .filter((name) => tree.mentions(name))
      .map((name) => `the sources use ${name}`),
  ];
}
