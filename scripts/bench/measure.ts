// How things are measured: repeated work after a warm-up, summed up by order statistics. Means hide the slow ones.

/** Milliseconds. */
export interface Summary {
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
}

export interface Repeats {
  /** Runs that are done and not counted. */
  readonly warmup: number;
  readonly runs: number;
}

/** Runs the work one after the other; `work` learns the number of the run, from 0, warm-up included. */
export async function timed(
  { warmup, runs }: Repeats,
  work: (run: number) => Promise<unknown>,
): Promise<Summary> {
  const samples: number[] = [];
  for (let run = 0; run < warmup + runs; run++) {
    const started = performance.now();
    await work(run);
    if (run >= warmup) samples.push(performance.now() - started);
  }
  return summarize(samples);
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { runs: sorted.length, min: at(0), median: at(0.5), p99: at(0.99) };
}

/** `0.41 ms (min 0.32, p99 0.90)`; with few runs the p99 is the slowest. */
export function describeTimes({ runs, min, median, p99 }: Summary): string {
  return `${digits(median)} ms (min ${digits(min)}, p99 ${digits(p99)}, n=${runs})`;
}

/** Three digits that count, and no more. */
export function digits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value >= 10 ? 1 : 2);
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
