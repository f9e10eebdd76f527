import { describe, expect, it } from 'vitest';
import { sendBufferBytes } from '../../src/source/send-buffer.js';

const unlimited = { channels: 2, bandwidthBytesPerSecond: 0 };
const limited = { channels: 2, bandwidthBytesPerSecond: 125_000_000 };

describe('the send buffer of a page channel', () => {
  it('is the kernel’s to choose for a peer on another host', () => {
    expect(sendBufferBytes('near', unlimited, 2)).toBe(0);
    expect(sendBufferBytes('far', unlimited, 2)).toBe(0);
  });

  it('is small under a rate limit, wherever the peer is', () => {
    for (const peer of ['this-host', 'near', 'far'] as const) {
      expect(sendBufferBytes(peer, limited, 64)).toBe(262_144);
    }
  });

  it('is small on one host exactly when the threads that copy outnumber its cores', () => {
    expect(sendBufferBytes('this-host', unlimited, 3)).toBe(262_144);
    expect(sendBufferBytes('this-host', unlimited, 4)).toBe(0);
    expect(sendBufferBytes('this-host', { ...unlimited, channels: 1 }, 2)).toBe(0);
  });
});
