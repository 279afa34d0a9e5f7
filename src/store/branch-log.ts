// One branch as this process knows it: the newest state, brought up to date by asking for the next position, and the
// chain of commits that followed each state that somebody still works on.

import { assert } from "../lib/assert.ts";
import type { Catalog } from "../schema/catalog.ts";
import { tryCheckpoint } from "./checkpoint-read.ts";
import type { GraphContext } from "./context.ts";
import { readFloor } from "./floor.ts";
import { type Hint, readHint, writeHint } from "./hint.ts";
import { logKey } from "./layout.ts";
import { FLOOR_CHECK_MS, HINT_TRUST_MS, TAIL_ENTRIES_ADOPT, TAIL_ENTRIES_MAX, WINDOW_MAX } from "./limits.ts";
import { type ReadEntry, readEntry, readWindow } from "./log-read.ts";
import { type OpenedState, openState } from "./open-state.ts";
import { readRef, type StoredRef } from "./refs.ts";
import { afterCommit, onCheckpoint } from "./replay.ts";
import { DamagedObject } from "./stored-json.ts";
import type { BranchState, Checkpoint, Draft, LoggedCommit } from "./types.ts";

/** The branch's log ends with a closed entry: it was deleted. */
export class BranchClosed extends Error {
  override readonly name = "BranchClosed";
}

/** A commit and what came after it: whoever holds a state finds what it missed, and nobody holds what nobody needs. */
interface Link {
  next: { readonly commit: LoggedCommit; readonly link: Link } | null;
}

interface Known {
  readonly state: BranchState;
  readonly link: Link;
  /** Bytes of the entries since the checkpoint. */
  readonly tailBytes: readonly { readonly position: number; readonly bytes: number }[];
}

export class BranchLog {
  private known: Known | null = null;
  private closed = false;
  /** When storage last said that the known head is the head, in ms. */
  private confirmedAt = 0;
  private beganAt = 0;
  /** As it was last seen, and when, in ms. */
  private hint: Hint | null = null;
  private hintReadAt = 0;
  private readonly links = new WeakMap<BranchState, Link>();
  /** A question that is not asked yet: whoever arrives now may share it. */
  private waiting: Promise<BranchState> | null = null;
  private asking: Promise<unknown> = Promise.resolve();
  private adoptAt = TAIL_ENTRIES_ADOPT;

  /** When the ref was known to stand under its name, in ms. */
  private readonly refReadAt: number;

  constructor(
    private readonly context: GraphContext,
    readonly stored: StoredRef,
  ) {
    this.refReadAt = context.ports.now();
  }

  get ref() {
    return this.stored.ref;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** The newest state known without asking anybody; null before the first read. */
  get latest(): BranchState | null {
    return this.known?.state ?? null;
  }

  /** Entries and bytes since the checkpoint. */
  get tailSize(): { readonly entries: number; readonly bytes: number } {
    const tail = this.known?.tailBytes ?? [];
    return { entries: tail.length, bytes: tail.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** When the branch was opened, in ms: its hint was read then. */
  get openedAt(): number {
    return this.beganAt;
  }

  /** When storage last confirmed the head, in ms. */
  get headReadAt(): number {
    return this.confirmedAt;
  }

  /**
   * The head, no older than the call (or than the staleness that the graph was opened with). Callers that arrive while a
   * question is under way share the next one: an answer never predates the call that gets it.
   */
  head(): Promise<BranchState> {
    const { known } = this;
    const { ports, readStalenessMs } = this.context;
    if (known !== null && !this.closed && ports.now() - this.confirmedAt < readStalenessMs) {
      return Promise.resolve(known.state);
    }
    this.waiting ??= this.asking.then(() => {
      const question = this.catchUp();
      this.waiting = null;
      this.asking = question.catch(() => {});
      return question;
    });
    return this.waiting;
  }

  /** Reads on from the known head until a position is missing. Throws BranchClosed where the log has ended. */
  async catchUp(): Promise<BranchState> {
    const askedAt = this.context.ports.now();
    if (this.known !== null) {
      await this.readOn(askedAt).catch(async (thrown: unknown) => {
        if (!(thrown instanceof DamagedObject)) throw thrown;
        // Repair may have led around what is damaged: who opens the branch now is told so.
        await this.reopen();
      });
    } else {
      // A branch that was deleted since its ref was read may have left a log without an end: it looks alive.
      const isOld = askedAt - this.refReadAt > FLOOR_CHECK_MS;
      const [opened, isDeleted] = await Promise.all([this.open(), isOld && this.isDeleted()]);
      this.closed ||= isDeleted;
      if (isDeleted) throw new BranchClosed();
      if (this.known === null) this.begin(opened);
    }
    if (this.closed) throw new BranchClosed();
    this.confirm(askedAt);
    return (await this.adoptCheckpoint()).state;
  }

  /** Notes that the known head was the head at `at`, in ms. */
  confirm(at: number): void {
    this.confirmedAt = Math.max(this.confirmedAt, at);
  }

  /**
   * Takes an entry that was read, or that this process just published; `own` is the schema that it brought then. Entries
   * that are known already are left.
   */
  async append(entry: ReadEntry, own: Draft["schema"] = null): Promise<void> {
    const catalogs = await Promise.all(
      entry.commits.map(({ record }) => this.catalogOf(record.schemaDigest, own)),
    );
    // From here on nobody else runs: a state between two commits of one entry is the head for nobody.
    for (const [i, commit] of entry.commits.entries()) {
      const known = this.current();
      if (commit.record.version <= known.state.head.version) continue;
      const state = afterCommit(known.state, commit, catalogs[i], this.addressOf(entry.position));
      this.advance(known, state, commit);
    }
    const known = this.current();
    if (entry.closed !== null) this.closed = true;
    if (known.state.position === entry.position && known.tailBytes.at(-1)?.position !== entry.position) {
      const tailBytes = [...known.tailBytes, { position: entry.position, bytes: entry.bytes }];
      this.known = { ...known, tailBytes };
    }
  }

  /** Lets the known state stand on a newer checkpoint. */
  adopt(checkpoint: Checkpoint): void {
    const known = this.current();
    const base = known.state.checkpoint;
    if (checkpoint.position <= base.position || checkpoint.head.version > known.state.head.version) return;
    const state = onCheckpoint(known.state, checkpoint);
    this.links.set(state, known.link);
    const tailBytes = known.tailBytes.filter(({ position }) => position > checkpoint.position);
    this.known = { state, link: known.link, tailBytes };
    this.adoptAt = TAIL_ENTRIES_ADOPT;
  }

  /** Where the known state stands on this checkpoint as it was, lets it stand on what repair made of it. */
  renew(checkpoint: Checkpoint): void {
    const { known } = this;
    if (known === null) return;
    const { branch, position } = known.state.checkpoint;
    if (branch !== checkpoint.branch || position !== checkpoint.position) return;
    const state = { ...known.state, checkpoint };
    this.links.set(state, known.link);
    this.known = { ...known, state };
  }

  /** Lets the known state stand on the checkpoint that was noted last, where that is newer than its own. */
  async adoptNoted(): Promise<boolean> {
    this.hintReadAt = this.context.ports.now();
    this.hint = await readHint(this.context.objects, this.ref.id);
    const { state } = this.current();
    const position = this.hint?.position ?? 0;
    if (position <= state.checkpoint.position || position > state.position) return false;
    const checkpoint = await tryCheckpoint(this.context, this.ref, { branch: this.ref.id, position });
    if (checkpoint !== null) this.adopt(checkpoint);
    return checkpoint !== null;
  }

  /** Notes a checkpoint that was just written, for everybody who opens the branch. */
  async note(checkpoint: Checkpoint): Promise<void> {
    this.adopt(checkpoint);
    this.hint = await writeHint(this.context.objects, checkpoint, this.hint);
  }

  /** Opens again, after a cleanup that this process slept through. What followed older states is not known any more. */
  async reopen(): Promise<BranchState> {
    const askedAt = this.context.ports.now();
    this.closed ||= await this.isDeleted();
    if (this.closed) throw new BranchClosed();
    this.begin(await this.open());
    if (this.closed) throw new BranchClosed();
    this.confirmedAt = askedAt;
    return this.current().state;
  }

  /** Commits since a state, oldest first; null where they are not known any more. */
  commitsSince(state: BranchState): LoggedCommit[] | null {
    const { known } = this;
    let link = this.links.get(state);
    if (known === null || link === undefined) return null;
    const commits: LoggedCommit[] = [];
    while (link.next !== null) {
      commits.push(link.next.commit);
      link = link.next.link;
    }
    return link === known.link ? commits : null;
  }

  private async catalogOf(digest: string, own: Draft["schema"]): Promise<Catalog> {
    const { head, catalog } = this.current().state;
    if (digest === head.schemaDigest) return catalog;
    return digest === own?.digest ? own.catalog : this.context.catalogOf(digest);
  }

  private current(): Known {
    assert(this.known !== null, "a log is opened before it is read on");
    return this.known;
  }

  private advance(known: Known, state: BranchState, commit: LoggedCommit): void {
    const link: Link = { next: null };
    known.link.next = { commit, link };
    this.links.set(state, link);
    this.known = { state, link, tailBytes: known.tailBytes };
  }

  /** Of a branch that was deleted since its ref was read cleanup may have left a part: that is no damage. */
  private async open(): Promise<OpenedState> {
    try {
      return await openState(this.context, this.stored);
    } catch (thrown) {
      this.closed ||= await this.isDeleted().catch(() => false);
      throw this.closed ? new BranchClosed() : thrown;
    }
  }

  private begin(opened: OpenedState): void {
    this.beganAt = this.context.ports.now();
    this.hintReadAt = this.beganAt;
    this.hint = opened.hint;
    const link: Link = { next: null };
    this.links.set(opened.state, link);
    this.known = { state: opened.state, link, tailBytes: opened.tailBytes };
    this.closed ||= opened.closed;
  }

  /**
   * Whether the branch is not what its name stands for any more: asked after a long silence, when cleanup may have removed
   * even the entry that closed the log.
   */
  async isDeleted(): Promise<boolean> {
    const { ref } = this;
    if (ref.lineage.length === 0) return false;
    return (await readRef(this.context.objects, ref.name))?.ref.id !== ref.id;
  }

  private async readOn(askedAt: number): Promise<void> {
    const sleptLong = askedAt - this.confirmedAt > FLOOR_CHECK_MS;
    const [next, floor, isDeleted] = await Promise.all([
      this.entryAt(this.current().state.position + 1),
      sleptLong ? readFloor(this.context.objects, this.ref.id) : 0,
      sleptLong && this.isDeleted(),
    ]);
    this.closed ||= isDeleted;
    if (this.closed) return;
    if (floor > this.current().state.position + 1) {
      await this.reopen();
      return;
    }
    if (next === null) return;
    if (this.leadsAround(next)) {
      await this.reopen();
      return;
    }
    await this.append(next);
    for (let window = 2; !this.closed; window = Math.min(window * 2, WINDOW_MAX)) {
      const from = this.current().state.position + 1;
      const entries = await readWindow(this.context.objects, this.ref.id, from, window);
      for (const entry of entries) await this.append(entry);
      if (entries.length < window) return;
    }
  }

  /** Whether repair went on from before what is known here: the log around it can be followed no more. */
  private leadsAround({ commits }: ReadEntry): boolean {
    const { head } = this.current().state;
    return commits.some(({ record }) => record.operation === "repair" && record.version <= head.version);
  }

  private entryAt(position: number): Promise<ReadEntry | null> {
    return readEntry(this.context.objects, { branch: this.ref.id, position });
  }

  private addressOf(position: number): string {
    return this.context.objects.address(logKey(this.ref.id, position));
  }

  /**
   * A tail that others made long: they, or somebody, checkpointed it. Where that is not to be had, the tail will do. Also
   * asked now and then whatever the tail: cleanup lets nobody keep a checkpoint that was replaced long ago.
   */
  private async adoptCheckpoint(): Promise<Known> {
    const { entries } = this.tailSize;
    const now = this.context.ports.now();
    const isFresh = entries === 0 || now - this.hintReadAt < HINT_TRUST_MS;
    if (entries <= this.adoptAt && isFresh) return this.current();
    this.adoptAt = Math.max(this.adoptAt, entries + TAIL_ENTRIES_MAX);
    await this.adoptNoted().catch(() => false);
    return this.current();
  }
}
