import { afterEach, describe, expect, it, vi } from 'vitest';
import { cacheFolder } from '../../src/host/cache-folder.js';

describe('the cache folder', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is where XDG_CACHE_HOME says', () => {
    vi.stubEnv('XDG_CACHE_HOME', '/some/cache');
    expect(cacheFolder()).toBe('/some/cache/pageferry');
    expect(cacheFolder('traces')).toBe('/some/cache/pageferry/traces');
  });

  it.for([undefined, '', 'relative/cache'])(
    'is in the home folder where XDG_CACHE_HOME is %j',
    (said) => {
      vi.stubEnv('HOME', '/some/home');
      vi.stubEnv('XDG_CACHE_HOME', said);
      expect(cacheFolder('corpus')).toBe('/some/home/.cache/pageferry/corpus');
    },
  );
});
