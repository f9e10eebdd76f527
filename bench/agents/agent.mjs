// What both agents share: they live as long as the bench does, and fail in one line.
export function serve(handle) {
  process.once('disconnect', () => process.exit(1));
  process.once('message', (message) => {
    handle(message).catch((error) => {
      process.send({ type: 'failed', message: `${error.code ?? error.name}: ${error.message}` });
    });
  });
}

/** Milliseconds of CPU time that this process has used, its native threads included. */
export function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
