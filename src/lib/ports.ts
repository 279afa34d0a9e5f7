// What a program takes from the world around it, in one value, made in main.ts and passed down. Nothing below
// main.ts and storage/ reads clock, randomness or environment by itself, so tests and simulations can hold them.

export interface Ports {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Microseconds since the Unix epoch; never goes back within a process. */
  readonly nowMicros: () => number;
  /** Fills the array with random bytes and returns it. */
  readonly randomBytes: (into: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves after `ms` milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** The real world. */
export function systemPorts(): Ports {
  let last = 0;
  return {
    now: () => Date.now(),
    nowMicros: () => {
      last = Math.max(last + 1, Math.floor((performance.timeOrigin + performance.now()) * 1000));
      return last;
    },
    randomBytes: (into) => crypto.getRandomValues(into),
    env: process.env,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

/** Uniform in [0, 1), from the port's randomness. */
export function randomUnit(ports: Ports): number {
  const bytes = ports.randomBytes(new Uint8Array(4));
  return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
}
