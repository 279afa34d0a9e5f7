// A walk over the changes of one commit that can stop anywhere, and the bounds of the page that it fills.

import { badRequest, tooLarge } from "../../lib/errors.ts";
import { type JsonValue, stringifyJson } from "../../lib/json.ts";
import type { StorageAdapter } from "../../storage/adapter.ts";
import type { ChangeCause, EntityChange } from "../outputs.ts";
import { entityChange } from "./change-image.ts";
import { PAGE_BYTES_MAX, PAGE_CHANGES_DEFAULT, PAGE_CHANGES_MAX, PAUSED_WALKS_MAX } from "./limits.ts";
import type { RowChange } from "./row-changes.ts";

/** Throws 400 for none and 413 for too many. */
export function pageLimit(given: number | undefined): number {
  if (given === undefined) return PAGE_CHANGES_DEFAULT;
  if (!Number.isSafeInteger(given)) throw badRequest("change page limit must be an integer");
  if (given <= 0) throw badRequest("change page limit must be greater than zero");
  if (given > PAGE_CHANGES_MAX) throw tooLarge("commit_changes_page_changes", PAGE_CHANGES_MAX, given);
  return given;
}

/** The changes of one commit, one after the other. */
export class BlockWalk {
  private window: readonly RowChange[] = [];
  private at = 0;
  private next: SizedChange | null = null;
  private readonly windows: AsyncIterator<readonly RowChange[]>;

  constructor(
    private readonly storage: StorageAdapter,
    readonly cause: ChangeCause,
    changes: AsyncIterable<readonly RowChange[]>,
  ) {
    this.windows = changes[Symbol.asyncIterator]();
  }

  /** Finds the next change, so that `peek` need not wait for it; false at the end. */
  async begin(): Promise<boolean> {
    while (this.at === this.window.length) {
      const following = await this.windows.next();
      if (following.done === true) return false;
      this.window = following.value;
      this.at = 0;
    }
    return true;
  }

  /** The next change, which stays the next one until `advance`; null at the end. */
  async peek(): Promise<SizedChange | null> {
    if (!(await this.begin())) return null;
    if (this.next === null) {
      const change = await entityChange(this.window[this.at], this.storage);
      this.next = { change, bytes: Buffer.byteLength(stringifyJson(change as unknown as JsonValue)) };
    }
    return this.next;
  }

  advance(): void {
    this.next = null;
    this.at++;
  }
}

interface SizedChange {
  readonly change: EntityChange;
  /** Of its JSON. */
  readonly bytes: number;
}

/** How much still fits into a page. */
export class PageRoom {
  private changes = 0;
  private bytes = 0;

  constructor(private readonly limit: number) {}

  get changesLeft(): number {
    return this.limit - this.changes;
  }

  get isFull(): boolean {
    return this.changes >= this.limit || this.bytes >= PAGE_BYTES_MAX;
  }

  /** Takes changes until the walk ends or the next one has no room. The first of a page always has. */
  async fill(walk: BlockWalk): Promise<{ changes: EntityChange[]; isComplete: boolean }> {
    const changes: EntityChange[] = [];
    for (let next = await walk.peek(); next !== null; next = await walk.peek()) {
      const fits = this.changes < this.limit && this.bytes + next.bytes <= PAGE_BYTES_MAX;
      if (!fits && this.changes > 0) return { changes, isComplete: false };
      changes.push(next.change);
      this.changes++;
      this.bytes += next.bytes;
      walk.advance();
    }
    return { changes, isComplete: true };
  }
}

/**
 * Walks that stopped at the end of a page, by the token of the next one: a process that is asked for it goes on where it
 * was; any other begins again at the place that the token names.
 */
export class PausedWalks {
  private readonly walks = new Map<string, BlockWalk>();

  keep(token: string, walk: BlockWalk): void {
    this.walks.set(token, walk);
    for (const oldest of this.walks.keys()) {
      if (this.walks.size <= PAUSED_WALKS_MAX) break;
      this.walks.delete(oldest);
    }
  }

  /** A walk goes on once. */
  take(token: string): BlockWalk | null {
    const walk = this.walks.get(token) ?? null;
    this.walks.delete(token);
    return walk;
  }
}
