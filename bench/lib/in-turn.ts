// Two or more things measured beside each other.

/**
 * Runs these functions one after the other, in the opposite order at every other repetition; answers
 * what each answered, by the same names.
 */
export async function inTurn<Answers extends object>(
  { repetition }: { readonly repetition: number },
  runs: { readonly [Name in keyof Answers]: () => Promise<Answers[Name]> },
): Promise<Answers> {
  const names = Object.keys(runs) as (keyof Answers)[];
  if (repetition % 2 === 1) names.reverse();
  const got: Partial<Answers> = {};
  for (const name of names) got[name] = await runs[name]();
  return got as Answers;
}
