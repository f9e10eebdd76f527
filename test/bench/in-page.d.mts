/** What each plot without a visible size or mark is about. */
export function findEmptyPlots(): string[];
/** Texts that are too faint or too small. */
export function findFaintTexts(): string[];
