import type { GenericSchema } from 'valibot';

/** What tests use of it: whether a result file is one. */
export const resultSchema: GenericSchema;
