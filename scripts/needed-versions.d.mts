export function neededVersions(file: string, objdump?: string): string[];
export function newestVersion(versions: readonly string[], library: string): string | undefined;
