/** The id of a migration: 16 bytes, and 32 hexadecimal digits where it is written as text. */
import { randomBytes } from 'node:crypto';

export const MIGRATION_ID_BYTES = 16;

export function randomMigrationId(): Uint8Array {
  return randomBytes(MIGRATION_ID_BYTES);
}

export function isMigrationIdText(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text);
}

export function migrationIdOf(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}

export function migrationIdText(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}
