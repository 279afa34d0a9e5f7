import { BLOBS_IN_FLIGHT_MAX } from "./limits.ts";

/** Results of `work` in the order of the items, a window of which is under way at a time. */
export async function windowed<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += BLOBS_IN_FLIGHT_MAX) {
    results.push(...(await Promise.all(items.slice(at, at + BLOBS_IN_FLIGHT_MAX).map(work))));
  }
  return results;
}
