import { describe, expect, it } from 'vitest';
import { type Copying, defaultChannels, sendBufferBytes } from '../../src/policy/copying.js';

const here: Copying = { sameHost: true, channels: 2, bandwidthBytesPerSecond: 0 };
const elsewhere: Copying = { ...here, sameHost: false };
const GBIT = { bandwidthBytesPerSecond: 125_000_000 };

describe('the send buffer of a page channel', () => {
  it('is the kernel’s to choose for a peer on another host', () => {
    expect(sendBufferBytes(elsewhere, 2)).toBe(0);
  });

  it('is small under a rate limit, wherever the peer is', () => {
    expect(sendBufferBytes({ ...here, ...GBIT }, 64)).toBe(262_144);
    expect(sendBufferBytes({ ...elsewhere, ...GBIT }, 64)).toBe(262_144);
  });

  it('is small on one host exactly when the threads that copy outnumber its cores', () => {
    expect(sendBufferBytes(here, 3)).toBe(262_144);
    expect(sendBufferBytes(here, 4)).toBe(0);
    expect(sendBufferBytes({ ...here, channels: 1 }, 2)).toBe(0);
  });
});

describe('the default number of page channels', () => {
  it.each([
    [1, 1],
    [2, 2],
    [4, 2],
    [16, 8],
    [256, 64],
  ])('on %i cores is %i', (cores, channels) => {
    expect(defaultChannels(cores)).toBe(channels);
  });
});
