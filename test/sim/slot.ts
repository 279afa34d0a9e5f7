// Where simulated programs run: one process after another, each until it dies.

import type { Random } from "./random.ts";
import { type SimulatedProcess, startProcess, type World } from "./world.ts";

/** A place where a process runs; when it dies another is started. */
export class Slot<Door> {
  private process: SimulatedProcess | null = null;
  private door: Promise<Door> | null = null;
  private started = 0;

  constructor(
    private readonly world: World,
    private readonly name: string,
    private readonly random: Random,
    private readonly open: (process: SimulatedProcess) => Promise<Door>,
  ) {}

  /** Calls the process that is alive now. `died`: nobody will ever know what came of it. */
  async call<T>(use: (door: Door) => Promise<T>): Promise<Answer<T>> {
    const { process, door } = this.alive();
    const answer = await Promise.race([process.died, settledOf(door.then(use))]);
    if (answer === "died" && this.process === process) this.process = null;
    return answer === "died" ? { kind: "died" } : answer;
  }

  private alive(): { process: SimulatedProcess; door: Promise<Door> } {
    if (this.process === null || this.door === null) {
      const name = `${this.name}.${++this.started}`;
      const process = startProcess(this.world, name, this.random.fork(), this.world.weather);
      const door = this.open(process);
      // Who finds that it could not be opened opens it again.
      door.catch(() => {
        if (this.door === door) this.door = null;
      });
      this.process = process;
      this.door = door;
    }
    return { process: this.process, door: this.door };
  }
}

export type Answer<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly thrown: unknown }
  | { readonly kind: "died" };

const settledOf = <T>(work: Promise<T>): Promise<Answer<T>> =>
  work.then(
    (value) => ({ kind: "value", value }) as const,
    (thrown: unknown) => ({ kind: "error", thrown }) as const,
  );
