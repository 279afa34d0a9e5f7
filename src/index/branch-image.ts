// The newest state of a branch in memory, brought forward commit by commit. Views are (image, version): a view that was
// handed out before a commit keeps answering from its own version.

import type { EntityType, StableId } from "../schema/catalog.ts";
import type { BranchState, CommitId, LoggedCommit } from "../store/index.ts";
import { IMAGE_HISTORY_MAX } from "./limits.ts";
import type { BaseTables, TypeImage } from "./type-image.ts";

/** Where a branch left an image that exists already. */
export interface Donor {
  readonly image: BranchImage;
  readonly commit: CommitId;
  readonly version: number;
}

export class BranchImage {
  private readonly types = new Map<StableId, TypeImage>();
  private readonly pending = new Map<StableId, Promise<TypeImage>>();
  private readonly versions = new Map<CommitId, number>();

  constructor(
    public state: BranchState,
    private readonly tables: BaseTables,
    private donor: Donor | null,
  ) {
    this.versions.set(state.head.id, state.head.version);
  }

  /** The version of a commit that this image went through, or null. */
  versionOf(commit: CommitId): number | null {
    return this.versions.get(commit) ?? null;
  }

  /** Moves on to a newer state of the branch; false where the commits between are not at hand. */
  advance(state: BranchState): boolean {
    const commits = commitsAfter(state, this.state.head.id);
    if (commits === null) return false;
    for (const [id, image] of this.types) {
      if (!image.extend(commits)) this.types.delete(id);
      else if (image.isWorthFolding) this.types.set(id, image.folded(state.head.version));
    }
    for (const commit of commits) this.versions.set(commit.record.id, commit.record.version);
    for (const id of this.versions.keys()) {
      if (this.versions.size <= IMAGE_HISTORY_MAX) break;
      this.versions.delete(id);
    }
    this.state = state;
    // Past the checkpoint, what the donor holds does not lead here any more.
    if (this.donor !== null && commitsAfter(state, this.donor.commit) === null) this.donor = null;
    return true;
  }

  /** The image of a type where it is in memory and reaches back to a version. */
  resident(type: EntityType, version: number): TypeImage | null {
    const image = this.types.get(type.id);
    return image !== undefined && image.delta.from <= version ? image : null;
  }

  /** Brings a type into memory, as of the newest state. */
  load(type: EntityType): Promise<TypeImage> {
    const known = this.types.get(type.id);
    if (known !== undefined) return Promise.resolve(known);
    let work = this.pending.get(type.id);
    if (work === undefined) {
      work = this.build(type).finally(() => this.pending.delete(type.id));
      this.pending.set(type.id, work);
    }
    return work;
  }

  private async build(type: EntityType): Promise<TypeImage> {
    let image = this.fork(type) ?? (await this.tables.image(this.state, type));
    // The branch may have moved on while the segments came in.
    while (image.head !== this.state.head.id) {
      const commits = commitsAfter(this.state, image.head);
      if (commits === null || !image.extend(commits)) image = await this.tables.image(this.state, type);
    }
    this.types.set(type.id, image);
    return image;
  }

  /** What the donor holds of a type, up to where this branch left it. */
  private fork(type: EntityType): TypeImage | null {
    if (this.donor === null) return null;
    const { image, commit, version } = this.donor;
    const held = image.resident(type, version);
    const commits = commitsAfter(this.state, commit);
    if (held === null || commits === null) return null;
    const copy = held.forkedAt(version, commit);
    return copy.extend(commits) ? copy : null;
  }

  /** The newest commit of a state that this image went through. */
  meets(state: BranchState): Donor | null {
    const path = [state.checkpoint.head.id, ...state.tail.map((commit) => commit.record.id)];
    for (const commit of path.reverse()) {
      const version = this.versionOf(commit);
      if (version !== null) return { image: this, commit, version };
    }
    return null;
  }
}

/** The commits of a state after one of them, or null where that commit is not among them. */
function commitsAfter(state: BranchState, commit: CommitId): readonly LoggedCommit[] | null {
  if (state.head.id === commit) return [];
  if (state.checkpoint.head.id === commit) return state.tail;
  const index = state.tail.findIndex((logged) => logged.record.id === commit);
  return index < 0 ? null : state.tail.slice(index + 1);
}
