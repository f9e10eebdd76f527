export interface QemuGuest {
  readonly memoryBytes: number;
  readonly fill?: 'none' | 'zero' | 'random';
  readonly workingSetBytes?: number | undefined;
}

export const RESERVED_BYTES: number;
export const PAGES_PER_MARK: number;
export function romParameters(guest: QemuGuest): bigint[];
export function makeRom(dir: string, guest: QemuGuest): string;
