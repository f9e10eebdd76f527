// What both agents share: they live as long as the bench does, and fail in one line.
import { errorOf } from '../lib/errors.js';
import type { AgentMessage } from './messages.js';

/** To the bench. */
export function tell(message: AgentMessage): void {
  process.send?.(message);
}

export function sendFailure(thrown: unknown): void {
  const { code, name, message } = errorOf(thrown);
  tell({ type: 'failed', code, message: `${code ?? name}: ${message}` });
}

/** Handles the bench's first message. */
export function serve<Task>(handle: (task: Task) => Promise<void>): void {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.once('message', (task: Task) => {
    handle(task).catch(sendFailure);
  });
}

/** Milliseconds of CPU time that this process has used, its native threads included. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
