// All programs of the corpus, in the order in which their images are made.
import type { CorpusProgram } from '../program.js';
import { chromium } from './chromium.js';
import { java, node, python } from './heaps.js';
import { linux } from './linux.js';
import { postgres } from './postgres.js';
import { redis } from './redis.js';
import { sqlite } from './sqlite.js';

export const CORPUS_PROGRAMS: readonly CorpusProgram[] = [
  redis,
  postgres,
  node,
  python,
  java,
  chromium,
  sqlite,
  linux,
];
