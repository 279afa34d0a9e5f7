// Publishes what is made of a view, on a branch or as the first commit of a new one, and words the commit that came of it.

import type { GraphView, ImageCache } from "../index/index.ts";
import type { Ports } from "../lib/ports.ts";
import { ulid } from "../lib/ulid.ts";
import type { Branch, GraphStore, PublishRequest, PublishResult } from "../store/index.ts";
import type { BranchId, BranchRef, BranchState, CommitRecord, Draft } from "../store/types.ts";
import { commitOutput } from "./commit-output.ts";
import type { CommitOutput } from "./outputs.ts";

export type PreparedCommit = Pick<Draft, "changes" | "reads"> &
  Partial<Pick<Draft, "schema" | "mergedParent" | "mergedFrom">>;

type Origin = Pick<Draft, "operation" | "actor">;

export class CommitWriter {
  constructor(
    private readonly store: GraphStore,
    private readonly images: ImageCache,
    private readonly ports: Ports,
    /** Throws where the store does not keep the promise that commits rest on. */
    private readonly ensureWritable: () => Promise<void>,
  ) {}

  /** Publishes what `prepare` makes of the newest view, which may be asked several times; null where that is nothing. */
  async publish(
    branch: Branch,
    origin: Origin,
    rules: Pick<PublishRequest, "repeat" | "ifCommit">,
    prepare: (view: GraphView) => Promise<PreparedCommit | null>,
  ): Promise<CommitOutput | null> {
    await this.ensureWritable();
    const draft = this.drafts(origin);
    const result = await branch.publish({
      ...rules,
      prepare: async (head) => {
        const prepared = await this.preparedOn(head, prepare);
        return prepared === null ? null : draft(prepared);
      },
    });
    return this.outputOf(result);
  }

  /** Makes a branch that begins with what `prepare` makes of its fork: both or neither. Null where the name was taken. */
  async publishOnNewBranch(
    name: string,
    from: string,
    origin: Origin,
    prepare: (view: GraphView) => Promise<PreparedCommit>,
  ): Promise<CommitOutput | null> {
    await this.ensureWritable();
    const draft = this.drafts(origin);
    const result = await this.store.createBranchWithCommit(name, from, async (head: BranchState) =>
      draft(await this.preparedOn(head, prepare)),
    );
    return result === null ? null : this.outputOf(result);
  }

  /** Publishing tries again by itself on a head that has another checkpoint than the one that prepare failed on. */
  private async preparedOn<T>(head: BranchState, prepare: (view: GraphView) => Promise<T>): Promise<T> {
    try {
      return await prepare(this.images.view(head));
    } catch (thrown) {
      if (await this.store.isMended(head, thrown)) this.images.clear();
      throw thrown;
    }
  }

  /** A commit as it is shown; `ref` is any live branch whose history holds it. */
  output(record: CommitRecord, ref: BranchRef): CommitOutput {
    return commitOutput(record, (branch) => this.branchName(branch, ref));
  }

  /** Id and time of a commit stay the same over every attempt. */
  private drafts(origin: Origin): (prepared: PreparedCommit) => Draft {
    const identity = { id: ulid(this.ports), authoredAt: this.ports.nowMicros() };
    return (prepared) => ({ schema: null, mergedParent: null, ...identity, ...origin, ...prepared });
  }

  private outputOf({ commit, state }: PublishResult): CommitOutput | null {
    return commit === null ? null : this.output(commit, state.ref);
  }

  /** Null for main, as commits are shown. */
  private branchName(branch: BranchId, ref: BranchRef): string | null {
    if (branch === this.store.mainId) return null;
    if (branch === ref.id) return ref.name;
    return ref.lineage.find((inherited) => inherited.branch === branch)?.name ?? null;
  }
}
