import { describe, expect, it } from 'vitest';
import { suites } from '#bench/suites/index.js';

describe.each(suites)('the suite $name', ({ scenarios }) => {
  it('has rows that each say by themselves what they are', () => {
    const titles = scenarios.flatMap(({ rows }) => rows.map(({ title }) => title));
    expect(titles.filter((title) => /^the same/i.test(title))).toEqual([]);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
