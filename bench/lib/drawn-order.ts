// An order in which nothing always comes first, the same in every run.
const SEED = 20_261_124;

/** The items in an order that depends on the name and the repetition alone. */
export function inDrawnOrder<Item>(
  items: readonly Item[],
  name: string,
  repetition: number,
): Item[] {
  let word = SEED + repetition;
  for (const letter of name) word = (Math.imul(word, 31) + letter.charCodeAt(0)) | 0;
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) | 0;
    const other = (word >>> 8) % (i + 1);
    const [here, there] = [order[i], order[other]];
    if (here === undefined || there === undefined) break;
    order[i] = there;
    order[other] = here;
  }
  return order;
}
