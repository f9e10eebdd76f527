// Strangers at a port: they connect, say nothing or nonsense, stay until they are turned away, and come again.
import { connect, type Socket } from 'node:net';

export interface WantedCrowd {
  readonly port: number;
  /** Of this host; the strangers come from each of them in turn. */
  readonly addresses: readonly string[];
  /** Connections, as far as they are taken. */
  readonly perSecond: number;
  /** Strangers beside those that send a byte a second of something that may yet become a preamble. */
  readonly tricklers: number;
}

const TICK_MS = 10;
const TRICKLE_MS = 1000;
/** Connections that nobody has taken yet. While there are so many, nobody else comes. */
const MOST_CONNECTING = 256;
const MAGIC = 'PGFERRY\n';

/** What a stranger does once he is connected. Whatever it is, he stays until he is turned away or has left. */
const MANNERS: readonly ((socket: Socket) => void)[] = [
  // Says nothing.
  () => {},
  // Speaks another protocol.
  (socket) => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  // Begins as one of us does, and says no more.
  (socket) => socket.write(MAGIC),
  // Has gone again before he was seen.
  (socket) => socket.resetAndDestroy(),
];

export class Crowd {
  readonly #wanted: WantedCrowd;
  readonly #present = new Set<Socket>();
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #callers = 0;
  #connecting = 0;
  #came = 0;
  #isLeaving = false;

  constructor(wanted: WantedCrowd) {
    this.#wanted = wanted;
    for (let i = 0; i < wanted.tricklers; i += 1) this.#trickle();
    this.#timer = setInterval(() => this.#keepPace(), TICK_MS);
  }

  /** Connections that were made so far. */
  get came(): number {
    return this.#came;
  }

  /** All of them go. On return nobody is there, and nobody comes any more. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    clearInterval(this.#timer);
    const gone = Array.from(this.#present, async (socket) => {
      // One that is connecting was there as far as the port can tell, and is counted first.
      if (!socket.connecting) socket.destroy();
      if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
    });
    await Promise.all(gone);
  }

  /** Who could not be taken in time does not come later in a burst. */
  #keepPace(): void {
    const due = ((performance.now() - this.#began) / 1000) * this.#wanted.perSecond;
    for (; this.#sent < due; this.#sent += 1) {
      const act = MANNERS[this.#sent % MANNERS.length];
      if (act !== undefined && this.#connecting < MOST_CONNECTING) this.#come(act);
    }
  }

  #come(act: (socket: Socket) => void): Socket {
    const { port, addresses } = this.#wanted;
    // So many in a row from one address that each manner is among them.
    const localAddress = addresses[Math.floor(this.#callers / MANNERS.length) % addresses.length];
    this.#callers += 1;
    if (localAddress === undefined) throw new Error('a crowd comes from one address at least');
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    this.#present.add(socket);
    this.#connecting += 1;
    let isConnecting = true;
    const settle = () => {
      if (isConnecting) this.#connecting -= 1;
      isConnecting = false;
    };
    socket.on('connect', () => {
      settle();
      this.#came += 1;
      if (this.#isLeaving) socket.destroy();
      else act(socket);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      settle();
      this.#present.delete(socket);
    });
    // Whoever is turned away notices.
    socket.resume();
    return socket;
  }

  #trickle(): void {
    let said = 0;
    let timer: NodeJS.Timeout | undefined;
    const socket = this.#come(() => {
      timer = setInterval(() => {
        socket.write(MAGIC.charAt(said) || '\0');
        said += 1;
      }, TRICKLE_MS);
    });
    socket.on('close', () => {
      clearInterval(timer);
      const again = setTimeout(() => {
        if (!this.#isLeaving) this.#trickle();
      }, TRICKLE_MS);
      again.unref();
    });
  }
}
