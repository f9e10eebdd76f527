/** Which command lines of a page would be refused, held against the commands as they are. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { commandLine as benchCommandLine } from '#bench/program.js';
import { suites } from '#bench/suites/index.js';
import { commandLine } from '#engine/cli/program.js';
import { fencesOf, spansOf } from './markdown.js';

/** What a shell would put there. */
const SUBSTITUTION = /\$\([^)]*\)|\$\$/g;
const COMMENT = /\s+#.*$/;
const PROGRAM = /^(?:npx|npm|node|cc) /;
/** What npm does without a script of ours. */
const NPM_COMMANDS = ['ci', 'install', 'pack'];

/** Of the blocks and of the text, each by itself. */
export function commandLinesOf(page: string): readonly string[] {
  const blocks = fencesOf(page).filter(({ language }) => language === '');
  const lines = [...blocks.flatMap(({ text }) => text.split('\n')), ...spansOf(page)];
  return lines
    .flatMap((line) => line.replace(COMMENT, '').split(' && '))
    .map((line) => line.trim())
    .filter((line) => PROGRAM.test(line));
}

/** Null when the command takes them. What it does then is not done. */
function refusal(command: Command, args: readonly string[]): string | null {
  const silent = { writeOut: () => {}, outputError: () => {} };
  for (const one of [command, ...command.commands]) one.configureOutput(silent);
  try {
    command.parse(args, { from: 'user' });
    return null;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return null;
    return error instanceof Error ? error.message : String(error);
  }
}

function benchRefusal(args: readonly string[]): string | null {
  const command = benchCommandLine(() => {});
  let unknown: string | null = null;
  command.action((suite: string = 'quick', { only = [] }: { only?: readonly string[] }) => {
    unknown = unknownIn(suite, only);
  });
  for (const one of command.commands) one.action(() => {});
  return refusal(command, args) ?? unknown;
}

function unknownIn(suite: string, only: readonly string[]): string | null {
  if (suite.endsWith('.json')) return null;
  const names = suites.find(({ name }) => name === suite)?.scenarios.map(({ name }) => name);
  if (names === undefined) return `there is no suite ${suite}`;
  return only.find((name) => !names.includes(name)) ?? null;
}

function npmRefusal(
  [command = '', name = '']: readonly string[],
  { name: own, scripts }: { name: string; scripts: Record<string, string> },
): string | null {
  if (command === 'run') return name in scripts ? null : `there is no script ${name}`;
  if (command === 'install') return name === own ? null : `${name} is not this package`;
  return command in scripts || NPM_COMMANDS.includes(command) ? null : `npm has no ${command}`;
}

/** Each that would be refused, with the reason. `root` is the project's folder. */
export function refusedCommandLines(page: string, root: string): string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const reasonFor = (line: string): string | null => {
    const [program, ...args] = line.replace(SUBSTITUTION, '1').split(/\s+/);
    switch (program) {
      case 'npx':
        if (args[0] !== manifest.name) return `${args[0]} is not this package`;
        return args[1] === 'bench'
          ? benchRefusal(args.slice(2))
          : refusal(
              commandLine(async () => {}),
              args.slice(1),
            );
      case 'npm':
        return npmRefusal(args, manifest);
      default: {
        const gone = args.find(
          (arg) => /^\w.*\/.*\.\w+$/.test(arg) && !existsSync(join(root, arg)),
        );
        return gone === undefined ? null : `there is no ${basename(gone)}`;
      }
    }
  };
  return commandLinesOf(page).flatMap((line) => {
    const reason = reasonFor(line);
    return reason === null ? [] : [`${line}: ${reason}`];
  });
}
