// A process on a bucket in memory that makes requests as one far from its store does: those that it can make side by side
// are answered together, and only then does it go on. So the number of waves is exact, whatever the machine is doing.

import type { Ports } from "../../src/lib/ports.ts";
import { type MemoryBucket, memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";

export interface WaveProcess {
  readonly storage: StorageAdapter;
  /** The requests so far (`get branches/…/hint.json`), those of one wave together. */
  readonly waves: readonly (readonly string[])[];
  clear(): void;
}

/** Turns of the event loop without another request after which a wave is complete. */
const QUIET_TURNS = 3;

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
    clear: () => {
      waves.length = 0;
    },
  };
}
