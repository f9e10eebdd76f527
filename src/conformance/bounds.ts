/** The bounds of docs/protocol.md, section 7, that can be seen from bytes. */
export const MOST = {
  pageChannels: 64,
  messageBytes: 262_144,
  textCharacters: 4096,
  spaces: 4096,
  denseRuns: 256,
  contents: 256,
  spaceKinds: 16,
  descriptionBytes: 65_536,
  stateBytes: 268_369_920,
  entries: 512,
  payloadBytes: 4_194_304,
  entryPages: 65_535,
  observeMs: 600_000,
  guestCallMs: 3_600_000,
} as const;
