/** Reads the tables of a Markdown document. */

export interface Table {
  /** Everything between the table before (or the document's start) and this one. */
  readonly before: string;
  /** One object per row, by column name; backticks and all. */
  readonly rows: readonly Readonly<Record<string, string>>[];
}

function cells(line: string): string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());
}

export function tablesOf(markdown: string): Table[] {
  const tables: Table[] = [];
  let before: string[] = [];
  let block: string[] = [];
  const finish = () => {
    const [head, rule, ...body] = block;
    if (head !== undefined && rule !== undefined) {
      const names = cells(head);
      const rows = body.map((line) => {
        const values = cells(line);
        return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
      });
      tables.push({ before: before.join('\n'), rows });
      before = [];
    }
    block = [];
  };
  let inDrawing = false;
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) inDrawing = !inDrawing;
    if (line.startsWith('|') && !inDrawing) {
      block.push(line);
    } else {
      finish();
      before.push(line);
    }
  }
  finish();
  return tables;
}

/** The table whose columns are exactly these; with `after`, the one right behind that text. */
export function tableWith(
  tables: readonly Table[],
  columns: readonly string[],
  after = '',
): Table['rows'] {
  const found = tables.filter(
    ({ before, rows }) =>
      Object.keys(rows[0] ?? {}).join() === columns.join() && before.includes(after),
  );
  if (found.length !== 1) {
    throw new Error(`${found.length} tables with columns ${columns.join(', ')} after '${after}'`);
  }
  return found[0]?.rows ?? [];
}
