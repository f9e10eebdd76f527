/** Which links of a page lead nowhere. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headingsOf, linksOf } from './markdown.js';

/** `folder` is the one that the page is in. */
export function brokenLinks(page: string, folder: string): string[] {
  return linksOf(page).flatMap(({ path, heading }) => {
    const target = join(folder, path);
    if (!existsSync(target)) return [`there is no ${path}`];
    if (heading === '') return [];
    const headings = headingsOf(path === '' ? page : readFileSync(target, 'utf8'));
    return headings.includes(heading) ? [] : [`${path} has no heading #${heading}`];
  });
}
