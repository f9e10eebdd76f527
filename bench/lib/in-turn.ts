// Two or more things measured beside each other.

/**
 * Runs these functions one after the other, in the opposite order at every other repetition; answers
 * what each answered, by the same names.
 */
export async function inTurn({ repetition }, runs) {
  const names = Object.keys(runs);
  if (repetition % 2 === 1) names.reverse();
  const got = {};
  for (const name of names) got[name] = await runs[name]();
  return got;
}
