// Imports point one way. This lint holds the two chains and the few doors between them:
//
//   C++         addon.cc → napi | fuzz → send|receive|workload|inspect → channel → tracker|codec|wire|pki|tls|image → region|net|crypto → os
//   TypeScript  cli → index → rehearsal → source|destination → strategy → options → policy|protocol|metrics|guest → trace|image|pki → native|host
//
// Each folder may use every folder of a lower layer, and none beside it. Two reliefs: a native test
// may use its neighbours, and TypeScript may `import type` from a neighbour (a type leaves nothing
// at run time), except between source and destination. conformance/, which checks what the engine sends, imports
// nothing of src/, and only the command line uses it. A module at the root of src/ other than
// index.ts (errors.ts, units.ts) is a leaf: everyone may import it, and it imports only leaves. No imports of
// src/ go in a circle, those of types included. bench/ lies beside the engine and is built apart from it: it names
// the engine's modules as `#engine/…`, and its agents only what the package exports.
//
//   node scripts/lint-layering.mjs [FOLDER]
import { posix } from 'node:path';
import {
  finish,
  matches,
  projectFiles,
  readProjectFile,
  root,
  withoutComments,
} from './project-files.mjs';

const nativeLayers = [
  ['os'],
  ['region', 'net', 'crypto'],
  ['tracker', 'codec', 'wire', 'pki', 'tls', 'image'],
  ['channel'],
  ['send', 'receive', 'workload', 'inspect'],
  ['napi', 'fuzz'],
  ['addon.cc'],
];
const typescriptLayers = [
  ['leaf'],
  ['native', 'host', 'conformance'],
  ['trace', 'image', 'pki'],
  ['policy', 'protocol', 'metrics', 'guest'],
  ['options'],
  ['strategy'],
  ['source', 'destination'],
  ['rehearsal'],
  ['index'],
  ['cli'],
];

// Headers and calls that have one home.
const nativeDoors = [
  {
    pattern: /#\s*include\s*[<"](?:napi|node_api|js_native_api)\.h[>"]/g,
    home: /^native\/(?:napi\/|addon\.cc$)/,
    rule: 'only native/napi and native/addon.cc may include Node-API',
  },
  {
    pattern: /#\s*include\s*<(?:linux\/(?:userfaultfd|kvm|fs)|sys\/ioctl)\.h>/g,
    home: /^native\/os\//,
    rule: 'only native/os may include this kernel interface',
  },
  {
    pattern: /\bioctl\s*\(/g,
    home: /^native\/os\//,
    rule: 'only native/os may call ioctl',
  },
  {
    pattern: /#\s*include\s*<openssl\/[^>]*>/g,
    home: /^native\/(?:crypto|tls|pki)\//,
    rule: 'only native/crypto, native/tls and native/pki may include OpenSSL',
  },
];
const typescriptDoors = [
  {
    pattern: /\.node['"`]|process\.dlopen/g,
    home: /^src\/native\/binding\.ts$/,
    rule: 'only src/native/binding.ts may load the addon',
  },
];
const policyImpurities = {
  pattern:
    /\b(?:Date\b|performance\.|process\.|console\.|Math\.random|crypto\b|set(?:Timeout|Interval|Immediate)\s*\(|fetch\s*\(|await\b|async\b)/g,
  rule: 'policy/ is pure: no I/O, clock, randomness or waiting',
};

const complaints = [];

function complain(path, line, text) {
  complaints.push(`${path}:${line}: ${text}`);
}

function layerOf(layers, folder) {
  return layers.findIndex((layer) => layer.includes(folder));
}

function checkDoors(path, code, doors) {
  for (const { pattern, home, rule } of doors) {
    if (home.test(path)) continue;
    for (const { match, line } of matches(code, pattern)) {
      complain(path, line, `${match[0].trim()}: ${rule}`);
    }
  }
}

function lintNative(path, code) {
  const [, from] = path.split('/');
  const fromLayer = layerOf(nativeLayers, from);
  const isTest = /_test(?:_util)?\.(?:cc|h)$/.test(path);
  if (fromLayer < 0)
    complain(path, 1, `native/${from} has no layer; see scripts/lint-layering.mjs`);
  checkDoors(path, code, nativeDoors);
  for (const { match, line } of matches(code, /#\s*include\s*"([^"]+)"/g)) {
    const [to] = match[1].split('/');
    const toLayer = layerOf(nativeLayers, to);
    if (to === from) continue;
    if (toLayer < 0) {
      complain(path, line, `"${match[1]}": write the path from native/, as "os/status.h"`);
    } else if (toLayer > fromLayer || (toLayer === fromLayer && !isTest)) {
      complain(path, line, `${from} may not include ${to} ("${match[1]}")`);
    }
  }
}

function typescriptFolder(path) {
  const [, first, ...rest] = path.split('/');
  if (rest.length > 0) return first;
  return first === 'index.ts' ? 'index' : 'leaf';
}

const importPattern =
  /\b(?:import|export)\s+(type\s)?(?:[\w*{}\s,$]+?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]/g;

function lintTypescript(path, code) {
  const from = typescriptFolder(path);
  const fromLayer = layerOf(typescriptLayers, from);
  if (fromLayer < 0) complain(path, 1, `src/${from} has no layer; see scripts/lint-layering.mjs`);
  checkDoors(path, code, typescriptDoors);
  if (from === 'policy') {
    for (const { match, line } of matches(code, policyImpurities.pattern)) {
      complain(path, line, `${match[0].trim()}: ${policyImpurities.rule}`);
    }
  }
  for (const { match, line } of matches(code, importPattern)) {
    const specifier = match[2] ?? match[3];
    if (specifier.startsWith('#')) {
      complain(path, line, `'${specifier}': src/ imports nothing outside src/`);
      continue;
    }
    if (!specifier.startsWith('.')) {
      if (from === 'policy') complain(path, line, `'${specifier}': ${policyImpurities.rule}`);
      continue;
    }
    const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
    if (!target.startsWith('src/')) {
      complain(path, line, `'${specifier}': src/ imports nothing outside src/`);
      continue;
    }
    if (from === 'conformance' && typescriptFolder(target) !== 'conformance') {
      complain(path, line, `'${specifier}': conformance/ shares nothing with the engine`);
      continue;
    }
    imports.set(path, [...(imports.get(path) ?? []), target]);
    const to = typescriptFolder(target);
    if (to === 'conformance' && !['conformance', 'cli'].includes(from)) {
      complain(path, line, `'${specifier}': only the command line may check streams`);
    }
    const toLayer = layerOf(typescriptLayers, to);
    if (to === from || toLayer < fromLayer) continue;
    const typesOnly = match[1] !== undefined;
    if (toLayer === fromLayer && typesOnly && from !== 'source' && from !== 'destination') continue;
    complain(path, line, `${from} may not import ${to} ('${specifier}')`);
  }
}

function lintBench(path, code) {
  for (const { match, line } of matches(code, importPattern)) {
    const specifier = match[2] ?? match[3];
    const target = posix.join(posix.dirname(path), specifier);
    if (specifier.startsWith('.') && !target.startsWith('bench/')) {
      complain(path, line, `'${specifier}': bench/ names the engine's modules as '#engine/…'`);
    }
    const isOfEngine = specifier.startsWith('#engine/') && specifier !== '#engine/index.js';
    if (isOfEngine && path.startsWith('bench/agents/')) {
      complain(path, line, `'${specifier}': agents use only what the package exports`);
    }
  }
}

/** Relative imports within src/, types included, by importing file. */
const imports = new Map();

/** A circle of imports cannot be read from one end, nor one file of it be understood alone. */
function lintCircles() {
  const done = new Set();
  const path = [];
  const visit = (file) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      complain(file, 1, `imports go in a circle: ${[...path.slice(at), file].join(' → ')}`);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of imports.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of imports.keys()) visit(file);
}

const folder = process.argv[2] ?? root;
const files = projectFiles(folder);
const native = files.filter((path) => /^native\/.*\.(?:h|cc)$/.test(path));
const typescript = files.filter((path) => /^src\/.*\.ts$/.test(path));
const bench = files.filter((path) => /^bench\/.*\.ts$/.test(path));
for (const path of native) lintNative(path, withoutComments(readProjectFile(path, folder)));
for (const path of typescript) lintTypescript(path, withoutComments(readProjectFile(path, folder)));
for (const path of bench) lintBench(path, withoutComments(readProjectFile(path, folder)));
lintCircles();
finish('layering', complaints, native.length + typescript.length + bench.length);
