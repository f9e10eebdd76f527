// Prints where the headers of Node-API are: the ones that node-gyp has built the addon with, or those that were
// installed beside node.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './project-files.mjs';

const gypi = join(root, 'build', 'config.gypi');
const [, nodedir] = existsSync(gypi)
  ? (/"nodedir": "([^"]+)"/.exec(readFileSync(gypi, 'utf8')) ?? [])
  : [];
console.log(join(nodedir ?? dirname(dirname(process.execPath)), 'include', 'node'));
