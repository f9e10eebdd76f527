// What both agents share: they live as long as the bench does, and fail in one line.

export function sendFailure(error) {
  const { code } = error;
  process.send({ type: 'failed', code, message: `${code ?? error.name}: ${error.message}` });
}

/** Handles the bench's first message. */
export function serve(handle) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.once('message', (message) => {
    handle(message).catch(sendFailure);
  });
}

/** Milliseconds of CPU time that this process has used, its native threads included. */
export function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of the monotonic clock, the same in both processes of one host. */
export function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
