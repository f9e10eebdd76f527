/** Makes a CA in a folder of its own. */
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from '../native/binding.js';
import { type AuthorityFiles, authorityFiles, readAuthority } from './authority-folder.js';
import type { CertificateFacts } from './certificate.js';
import {
  type FileToWrite,
  fileError,
  makeFolder,
  OWNER_ONLY_FOLDER,
  removeFolders,
  writeFiles,
} from './files.js';
import { authorityValidity } from './validity.js';

/** Throws, and leaves nothing, where the folder has anything in it already. */
export function createAuthority(folder: string, name: string, days: number): CertificateFacts {
  const files = authorityFiles(folder);
  const contents = signContents(files, name, days);
  const made = makeFolders(folder, files);
  try {
    writeFiles(contents);
  } catch (error) {
    removeFolders(made);
    throw error;
  }
  return readAuthority(files);
}

/** The certificate comes last: with it the folder is that of a CA. */
function signContents(files: AuthorityFiles, name: string, days: number): readonly FileToWrite[] {
  const validity = authorityValidity(new Date(), days);
  try {
    const credential = binding.createAuthority(name, validity);
    const none = { number: 1, revoked: [] };
    const list = binding.signRevocationList(credential, none, validity);
    return [
      { path: files.key, text: credential.key },
      { path: files.revocationList, text: list },
      { path: files.certificate, text: credential.certificate },
    ];
  } catch (error) {
    throw asPageferryError(error, 'cannot make a CA');
  }
}

/** Answers those that it made. Where two processes come here at once, one makes issued/ and the other fails. */
function makeFolders(folder: string, { issued }: AuthorityFiles): readonly string[] {
  const made: string[] = [];
  try {
    if (makeFolder(folder)) made.push(folder);
    else refuseUnlessEmpty(folder);
    mkdirSync(issued, OWNER_ONLY_FOLDER);
    made.push(issued);
    chmodSync(folder, OWNER_ONLY_FOLDER);
    return made;
  } catch (error) {
    removeFolders(made);
    throw fileError(error, `cannot make a CA in ${folder}`);
  }
}

function refuseUnlessEmpty(folder: string): void {
  if (readdirSync(folder).length === 0) return;
  throw new PageferryError(
    'USAGE',
    `${folder} is not empty, and nothing in it is overwritten; name a folder that is not there yet`,
  );
}
