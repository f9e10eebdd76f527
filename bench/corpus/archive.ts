// The archive that a Linux kernel unpacks into its first file system: cpio, in the form `newc` (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst).

export type ArchiveEntry =
  | { readonly path: string; readonly kind: 'folder' | 'console' }
  | { readonly path: string; readonly kind: 'program' | 'file'; readonly content: Buffer };

const MODES = { folder: 0o040755, console: 0o020600, program: 0o100755, file: 0o100644 } as const;
/** Of the character device /dev/console. */
const CONSOLE = { major: 5, minor: 1 };
const END = 'TRAILER!!!';

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function memberOf(inode: number, path: string, mode: number, content: Buffer, isConsole: boolean) {
  const device = isConsole ? [CONSOLE.major, CONSOLE.minor] : [0, 0];
  const name = `${path}\0`;
  // inode, mode, user, group, links, time, length, device of the file (2), device that it is (2), length of the name, check
  const numbers = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, name.length, 0];
  const head = numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
  return Buffer.concat([padded(Buffer.from(`070701${head}${name}`)), padded(content)]);
}

/** A folder comes before what is in it. */
export function archiveOf(entries: readonly ArchiveEntry[]): Buffer {
  const members = entries.map((entry, inode) => {
    const content = 'content' in entry ? entry.content : Buffer.alloc(0);
    const isConsole = entry.kind === 'console';
    return memberOf(inode + 1, entry.path, MODES[entry.kind], content, isConsole);
  });
  return Buffer.concat([...members, memberOf(0, END, 0, Buffer.alloc(0), false)]);
}
