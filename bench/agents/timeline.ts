// Points in time, read every few milliseconds. When there are too many, every other one is dropped and
// the interval doubles, so that a long migration has as many points as a short one.

const FIRST_INTERVAL_MS = 5;
const MOST_POINTS = 900;

export class Sampler<Point> {
  #points: Point[] = [];
  readonly #read: () => Point | undefined;
  #intervalMs = FIRST_INTERVAL_MS;
  #timer: NodeJS.Timeout | undefined;

  /** `read` answers a point, or undefined when there is nothing to say yet. */
  constructor(read: () => Point | undefined) {
    this.#read = read;
    this.#look();
  }

  /** The points, ascending in time, the last one read now. */
  stop(): Point[] {
    clearTimeout(this.#timer);
    this.#add();
    return this.#points;
  }

  #look(): void {
    this.#add();
    this.#timer = setTimeout(() => this.#look(), this.#intervalMs);
  }

  #add(): void {
    const point = this.#read();
    if (point === undefined) return;
    this.#points.push(point);
    if (this.#points.length < MOST_POINTS) return;
    this.#points = this.#points.filter((_, i) => i % 2 === 0);
    this.#intervalMs *= 2;
  }
}
