import type { RequestCounts, RequestKind } from "./adapter.ts";

/** Counts requests by kind, and the waves they come in; one is shared by every adapter that `under` derives. */
export class RequestCounter {
  private readonly byKind = { get: 0, put: 0, head: 0, list: 0, delete: 0 };
  private waves = 0;
  private inFlight = 0;

  /** Runs one request. It is under way until its promise settles, so calls made side by side are one wave. */
  async track<T>(kind: RequestKind, request: () => T | Promise<T>): Promise<T> {
    this.byKind[kind]++;
    if (this.inFlight === 0) this.waves++;
    this.inFlight++;
    try {
      return await request();
    } finally {
      this.inFlight--;
    }
  }

  counts(): RequestCounts {
    const { get, put, head, list, delete: deletes } = this.byKind;
    return { ...this.byKind, total: get + put + head + list + deletes, waves: this.waves };
  }

  /** Starts counting from zero; requests under way belong to a wave that is not counted again. */
  reset(): void {
    for (const kind of Object.keys(this.byKind) as RequestKind[]) this.byKind[kind] = 0;
    this.waves = 0;
  }
}
