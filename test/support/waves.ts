// A process on a bucket in memory that makes requests as one far from its store does: those that it can make side by side
// are answered together, and only then does it go on. So the number of waves is exact, whatever the machine is doing.

import type { Ports } from "../../src/lib/ports.ts";
import { type MemoryBucket, memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";

export interface WaveProcess {
  readonly storage: StorageAdapter;
  /** The requests so far (`get branches/…/hint.json`), those of one wave together. */
  readonly waves: readonly (readonly string[])[];
  /** Resolves when nothing was asked for a while: what goes on in the background is done. */
  calm(): Promise<void>;
}

/** Turns of the event loop without another request after which a wave is complete. */
const QUIET_TURNS = 3;
/** The same, after which nothing more is coming: what is worked out between two requests takes turns too. */
const CALM_TURNS = 30;
let processes = 0;

export function waveProcess(bucket: MemoryBucket, ports: Ports): WaveProcess {
  const waves: string[][] = [];
  const held: (() => void)[] = [];
  let gathering: string[] | null = null;

  const gather = async () => {
    let known = 0;
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise(setImmediate);
      if (held.length === known) continue;
      known = held.length;
      quiet = 0;
    }
    gathering = null;
    for (const release of held.splice(0)) release();
  };
  const storage = memoryStorage(
    { ...ports, sleep: () => new Promise((resolve) => held.push(resolve)) },
    {
      bucket,
      // Caches of this process know objects by their address: what another one has read is unknown to this one.
      uri: `memory://process-${++processes}`,
      faults: ({ method, key }) => {
        if (gathering === null) {
          gathering = [];
          waves.push(gathering);
          void gather();
        }
        gathering.push(`${method} ${key}`);
        return { kind: "latency", ms: 0 };
      },
    },
  );
  return {
    storage,
    waves,
    calm: async () => {
      for (let known = -1, quiet = 0; quiet < CALM_TURNS; quiet++) {
        await new Promise(setImmediate);
        if (waves.length === known && gathering === null) continue;
        known = waves.length;
        quiet = 0;
      }
    },
  };
}
