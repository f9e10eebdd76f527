/** `pageferry pki`: the certificates of a lab, or a pre-shared key, for migrations over TLS. */
import Table from 'cli-table3';
import { Argument, Command, Option } from 'commander';
import {
  type IssuedCertificate,
  openAuthority,
  readAuthority,
  readIssued,
} from '../pki/authority-folder.js';
import type { CertificateFacts } from '../pki/certificate.js';
import { createAuthority } from '../pki/create-authority.js';
import { issueCertificate } from '../pki/issue-certificate.js';
import { parseAuthorityName, parseHostName, parseHostNames, parseIdentity } from '../pki/names.js';
import { createPreSharedKey } from '../pki/pre-shared-key.js';
import { revokeCertificate } from '../pki/revoke-certificate.js';
import {
  DEFAULT_AUTHORITY_DAYS,
  DEFAULT_HOST_DAYS,
  hasExpired,
  MOST_DAYS,
} from '../pki/validity.js';
import { parseCount } from '../units.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { argument } from './options.js';
import { Output } from './output.js';
import { writeJson } from './report-file.js';
import type { Run } from './run.js';

const EXIT_CODES = `
Exit codes:
  0  done
  1  it could not be done, and nothing was changed
  2  wrong usage, and nothing was changed`;

const HELP = `
Examples:
  pageferry pki init lab
  pageferry pki issue lab host-a 10.0.0.1 --out host-a
  pageferry pki revoke lab host-a
  pageferry pki list lab
  pageferry pki psk lab.psk             one secret instead, and no CA
${EXIT_CODES}`;

const INIT_HELP = `
The folder has the CA's key, its certificate, what it has revoked, and a copy of
every certificate that it issues. Its owner alone may read it.

Examples:
  pageferry pki init lab
  pageferry pki init lab --name "The CA of room 12" --days 90
${EXIT_CODES}`;

const ISSUE_HELP = `
The first NAME is the common name and the name of the files, NAME.pem and
NAME-key.pem. Every NAME is what peers may call the host by. The certificate is
for both roles, source and destination. A NAME that has a certificate gets a new
one when that is revoked or has expired.

Examples:
  pageferry pki issue lab host-a host-a.example 10.0.0.1 fd00::1 --out host-a
  pageferry pki issue lab host-b --days 30
${EXIT_CODES}`;

const REVOKE_HELP = `
Hosts refuse the certificate once they have the new crl.pem and have read it.

Examples:
  pageferry pki revoke lab host-a
${EXIT_CODES}`;

const LIST_HELP = `
Examples:
  pageferry pki list lab
  pageferry pki list lab --json
${EXIT_CODES}`;

const PSK_HELP = `
The file has one line, identity:hex, with 32 random bytes. Its owner alone may
read it. Both sides need the same file.

Examples:
  pageferry pki psk lab.psk
  pageferry pki psk lab.psk --identity room-12
${EXIT_CODES}`;

/** What `list --json` prints. */
export interface PkiListing {
  readonly version: 1;
  readonly authority: CertificateFacts & { readonly expired: boolean };
  readonly certificates: readonly IssuedCertificate[];
}

export function pkiCommand(run: Run): Command {
  return new Command('pki')
    .summary('make certificates for the hosts of a lab, or a pre-shared key')
    .description(
      'A small certificate authority (CA) for a lab: a certificate for each host, so that source and destination know each other. Or one pre-shared key for both.',
    )
    .helpCommand(false)
    .addCommand(initCommand(run))
    .addCommand(issueCommand(run))
    .addCommand(revokeCommand(run))
    .addCommand(listCommand(run))
    .addCommand(pskCommand(run))
    .addHelpText('after', HELP);
}

function daysOption(description: string): Option {
  return new Option('--days <n>', description).argParser(
    argument((text) => parseCount(text, 1, MOST_DAYS)),
  );
}

function folderArgument(): Argument {
  return new Argument('<folder>', "the CA's folder");
}

function initCommand(run: Run): Command {
  return new Command('init')
    .summary('make a CA')
    .description('Makes a CA in a folder that is empty or not there yet.')
    .addArgument(folderArgument())
    .addOption(
      new Option('--name <text>', 'what it is called in its certificate')
        .argParser(argument(parseAuthorityName))
        .default('Pageferry lab CA'),
    )
    .addOption(daysOption('how long it is good for').default(DEFAULT_AUTHORITY_DAYS))
    .addHelpText('after', INIT_HELP)
    .action((folder: string, values: { name: string; days: number }) =>
      run(async () => init(folder, values)),
    );
}

function init(folder: string, { name, days }: { name: string; days: number }): ExitCode {
  const { notAfter } = createAuthority(folder, name, days);
  const output = new Output(undefined);
  output.line(`${folder} is the CA "${name}" until ${dayOf(notAfter)}.`);
  output.line(
    `Whoever reads ${folder}/ca-key.pem can issue certificates: never copy it to a host.`,
  );
  output.line(`Next, for each host: pageferry pki issue ${folder} NAME... --out NAME`);
  return EXIT.verified;
}

interface IssueValues {
  readonly days?: number;
  readonly out?: string;
}

function issueCommand(run: Run): Command {
  return new Command('issue')
    .summary('make a certificate for a host')
    .description('Makes a key and a certificate for a host, for either side of a migration.')
    .addArgument(folderArgument())
    .argument('<name...>', 'DNS names and IP addresses of the host')
    .addOption(
      daysOption(`how long it is good for (default: ${DEFAULT_HOST_DAYS}, or as long as the CA)`),
    )
    .option(
      '--out <folder>',
      "where the files go, with copies of ca.pem and crl.pem (default: the CA's folder)",
    )
    .addHelpText('after', ISSUE_HELP)
    .action((folder: string, names: readonly string[], values: IssueValues) =>
      run(() => issue(folder, names, values)),
    );
}

async function issue(
  folder: string,
  texts: readonly string[],
  { days, out }: IssueValues,
): Promise<ExitCode> {
  const names = parseHostNames(texts);
  const wanted = { names, days, out: out ?? folder };
  const { certificate, files } = await issueCertificate(folder, wanted);
  const output = new Output(undefined);
  output.line(`Issued until ${dayOf(certificate.notAfter)} to ${names.join(', ')}:`);
  const lines: readonly (readonly [string, string])[] = [
    [files.certificate, 'the certificate'],
    [files.key, 'its private key'],
    [files.authority, 'the certificate of the CA'],
    [files.revocationList, 'what the CA has revoked'],
  ];
  const width = Math.max(...lines.map(([path]) => path.length));
  for (const [path, what] of lines) output.line(`  ${path.padEnd(width)}  ${what}`);
  output.line('Next: copy these four to the host, over a way that nobody else can read.');
  return EXIT.verified;
}

function revokeCommand(run: Run): Command {
  return new Command('revoke')
    .summary('take a certificate back')
    .description('Adds the certificate of a host to what the CA has revoked.')
    .addArgument(folderArgument())
    .argument('<name>', 'the first name of the certificate')
    .addHelpText('after', REVOKE_HELP)
    .action((folder: string, name: string) => run(() => revoke(folder, name)));
}

async function revoke(folder: string, text: string): Promise<ExitCode> {
  const name = parseHostName(text);
  const { certificate, revocationList } = await revokeCertificate(folder, name);
  const output = new Output(undefined);
  output.line(`Revoked the certificate of ${name}, serial ${certificate.serial}.`);
  output.line(`Next: copy ${revocationList} over the crl.pem of every host.`);
  output.line('A destination that runs takes it when it is told to reload.');
  return EXIT.verified;
}

function listCommand(run: Run): Command {
  return new Command('list')
    .summary('show what a CA has issued')
    .description('Shows every certificate that the CA has issued, oldest first.')
    .addArgument(folderArgument())
    .option('--json', 'print it as JSON')
    .addHelpText('after', LIST_HELP)
    .action((folder: string, { json }: { json?: boolean }) =>
      run(async () => list(folder, json ?? false)),
    );
}

function list(folder: string, json: boolean): ExitCode {
  const now = new Date();
  const files = openAuthority(folder);
  const authority = readAuthority(files);
  const listing: PkiListing = {
    version: 1,
    authority: { ...authority, expired: hasExpired(authority.notAfter, now) },
    certificates: readIssued(files, now),
  };
  if (json) writeJson('-', listing);
  else print(new Output(undefined), listing);
  return EXIT.verified;
}

function print(output: Output, { authority, certificates }: PkiListing): void {
  const { bold, dim, red } = output.colors;
  const until = `until ${dayOf(authority.notAfter)}`;
  output.line(`${bold(authority.name)}, ${authority.expired ? red(`expired: ${until}`) : until}`);
  if (certificates.length === 0) {
    output.line('It has issued nothing yet.');
    return;
  }
  const table = new Table({
    head: ['names', 'from', 'until', 'state', 'serial'].map((text) => dim(text)),
    style: { head: [], border: [], compact: true },
  });
  for (const certificate of certificates) {
    const { names, notBefore, notAfter, serial } = certificate;
    const state = stateOf(certificate);
    table.push([
      names.join('\n'),
      dayOf(notBefore),
      dayOf(notAfter),
      state === 'in force' ? state : red(state),
      // In two lines, so that the table fits in 80 columns.
      serial.replace(/^(.{16})/, '$1\n'),
    ]);
  }
  output.line(table.toString());
}

function stateOf({ revokedAt, expired }: IssuedCertificate): string {
  if (revokedAt !== null) return `revoked\n${dayOf(revokedAt)}`;
  return expired ? 'expired' : 'in force';
}

/** `2026-11-30`, in UTC, as in certificates. */
function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function pskCommand(run: Run): Command {
  return new Command('psk')
    .summary('make a pre-shared key')
    .description('Makes a secret that source and destination know each other by, without a CA.')
    .argument('<file>', 'where to write it')
    .addOption(
      new Option('--identity <text>', 'its name, which travels in the clear')
        .argParser(argument(parseIdentity))
        .default('pageferry'),
    )
    .addHelpText('after', PSK_HELP)
    .action((file: string, { identity }: { identity: string }) =>
      run(async () => {
        createPreSharedKey(file, identity);
        const output = new Output(undefined);
        output.line(`${file} has a pre-shared key, "${identity}".`);
        output.line('Next: copy it to the other host, over a way that nobody else can read.');
        return EXIT.verified;
      }),
    );
}
