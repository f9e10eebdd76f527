export class QmpServer {
  listen(path: string): Promise<void>;
  connection(): Promise<Qmp>;
  close(): void;
}

export class Qmp {
  execute(command: string, args?: Record<string, unknown>): Promise<unknown>;
  close(): void;
}
