// A strategy of your own: rounds for as long as each leaves fewer dirty pages than the one before, then
// post-copy. A strategy only ever says what comes next; everything else is done for it.
//
// ../own-strategy.mjs migrates with it, and so does: npx pageferry bench examples/scenarios/own-strategy.json
export const strategy = {
  name: 'while-it-helps',
  mayServeFaults: true, // It ends in post-copy, so the destination must be able to serve faults.
  next(rounds) {
    const [last, before] = [rounds.at(-1), rounds.at(-2)];
    if (last === undefined) return 'next-round';
    const helped = before === undefined || last.dirtyPages < before.dirtyPages / 2;
    return helped && last.dirtyPages > 0 ? 'next-round' : 'post-copy';
  },
};
