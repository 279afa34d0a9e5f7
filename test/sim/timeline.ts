// Simulated time: nothing happens between two events, and which comes next follows from the seed alone. Whoever waits, for
// an answer from storage or for a pause to end, waits for an event here.

import { type Ports, systemPorts } from "../../src/lib/ports.ts";
import type { Random } from "./random.ts";

interface Event {
  readonly at: number;
  /** Events of one millisecond happen in the order in which they were asked for. */
  readonly order: number;
  readonly happen: () => void;
}

/** Turns of the event loop without an event after which nobody is working any more. */
const IDLE_TURNS_MAX = 1_000;

export class Timeline {
  /** Counts events: a finer clock than milliseconds, by which "before" and "after" are told. */
  step = 0;
  private nowMs = Date.UTC(2026, 0, 1);
  private asked = 0;
  /** A binary heap, the next event first. */
  private readonly events: Event[] = [];

  now(): number {
    return Math.floor(this.nowMs);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((happen) => this.push({ at: this.nowMs + ms, order: this.asked++, happen }));
  }

  /** Lets one event after another happen until `work` is done. Throws where it waits for something that never comes. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    await settled();
    let idleTurns = 0;
    while (!isDone) {
      const next = this.pop();
      // Long work lets others run between two requests: it goes on in later turns.
      if (next === undefined && idleTurns++ < IDLE_TURNS_MAX) {
        await settled();
        continue;
      }
      idleTurns = 0;
      if (next === undefined)
        throw new Error("the simulation stands still: everybody waits, and nothing is under way");
      this.nowMs = Math.max(this.nowMs, next.at);
      this.step++;
      next.happen();
      await settled();
    }
    return done;
  }

  private push(event: Event): void {
    const { events } = this;
    let at = events.push(event) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(event, events[parent]); parent = (at - 1) >> 1) {
      events[at] = events[parent];
      at = parent;
    }
    events[at] = event;
  }

  private pop(): Event | undefined {
    const { events } = this;
    const first = events[0];
    const last = events.pop();
    if (last === undefined || events.length === 0) return first;
    let at = 0;
    for (let child = 1; child < events.length; child = 2 * at + 1) {
      if (child + 1 < events.length && isBefore(events[child + 1], events[child])) child++;
      if (!isBefore(events[child], last)) break;
      events[at] = events[child];
      at = child;
    }
    events[at] = last;
    return first;
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Everything that can go on without another event has gone on: microtasks run before the event loop's next turn. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a simulated process takes from its world. */
export function simulatedPorts(timeline: Timeline, random: Random): Ports {
  let lastMicros = 0;
  return {
    ...systemPorts(),
    env: {},
    now: () => timeline.now(),
    nowMicros: () => {
      lastMicros = Math.max(lastMicros + 1, timeline.now() * 1_000);
      return lastMicros;
    },
    randomBytes: (into) => into.map(() => random.below(256)),
    sleep: (ms) => timeline.sleep(ms),
  };
}
