/** Drawing spread over animation frames: however much has changed, no frame is spent on more than a little of it. */

type Schedule = (frame: () => void) => unknown;

/** A frame at 60 per second is 16 ms; the browser needs its share of it. */
const BUDGET_MS = 6;

export class Frames {
  private readonly waiting = new Map<object, () => void>();
  private asked = false;
  private readonly schedule: Schedule;
  private readonly clock: () => number;

  constructor(
    schedule: Schedule = (frame) => requestAnimationFrame(frame),
    clock: () => number = () => performance.now(),
  ) {
    this.schedule = schedule;
    this.clock = clock;
  }

  /** `work` runs in one of the next frames. Asked for again before that, it runs once, in its old place in the row. */
  add(whose: object, work: () => void) {
    this.waiting.set(whose, work);
    this.ask();
  }

  drop(whose: object) {
    this.waiting.delete(whose);
  }

  private ask() {
    if (this.asked || this.waiting.size === 0) return;
    this.asked = true;
    this.schedule(() => this.frame());
  }

  /** At least one piece of work, more only while there is time. */
  private frame() {
    this.asked = false;
    const end = this.clock() + BUDGET_MS;
    for (const [whose, work] of [...this.waiting]) {
      this.waiting.delete(whose);
      work();
      if (this.clock() >= end) break;
    }
    this.ask();
  }
}

export const frames = new Frames();
