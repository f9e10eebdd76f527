/** Captures of migrations: docs/capture-format.md. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { asPageferryError, PageferryError } from '../errors.js';
import { binding } from './binding.js';
import type { CaptureFile } from './connections.js';

function cannotCapture(path: string, error: unknown): PageferryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PageferryError('USAGE', `cannot write a capture to ${path}: ${reason}`, {
    cause: error,
  });
}

/** Throws USAGE now rather than when the migration begins. */
export function checkCaptureFile(path: string): void {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory()) throw new Error('it is a folder');
    accessSync(stats === undefined ? dirname(path) : path, constants.W_OK);
  } catch (error) {
    throw cannotCapture(path, error);
  }
}

/** Throws USAGE for what is no folder that can be written to. */
export function checkCaptureFolder(path: string): void {
  try {
    if (!statSync(path).isDirectory()) throw new Error('it is no folder');
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw cannotCapture(path, error);
  }
}

/** `reserveBytes`: what it leaves free on its disk. Throws USAGE, also where that is not free now. */
export function openCapture(
  path: string,
  side: 'source' | 'destination',
  reserveBytes: number,
): CaptureFile {
  try {
    return binding.createCapture(path, side, reserveBytes);
  } catch (error) {
    throw cannotCapture(path, error);
  }
}

/** Ends it. Answers why the file is not whole, where it is not. */
export function endCapture(capture: CaptureFile): PageferryError | undefined {
  try {
    capture.close();
    return undefined;
  } catch (error) {
    return asPageferryError(error, 'the capture ended before the migration did');
  } finally {
    capture.release();
  }
}
