import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rehearse } from '../../src/rehearsal/rehearse.js';
import { until } from '../support/until.js';

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

function guestMappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').split('memfd:pageferry-guest').length - 1;
}

describe('a rehearsal', () => {
  it('leaves nothing behind', async () => {
    await rehearse();
    const [files, mappings] = [openFiles(), guestMappings()];
    for (let i = 0; i < 5; i += 1) await rehearse();
    await until('every descriptor is closed', () => openFiles() <= files);
    expect(guestMappings()).toBe(mappings);
  });

  it('never rejects', async () => {
    await expect(Promise.all([rehearse(), rehearse()])).resolves.toHaveLength(2);
  });
});
