// All that a process holds in memory of one graph, and the views on it.

import type { BranchId, BranchState, CommitId, SegmentReader } from "../store/index.ts";
import { BatchCache } from "./batch-cache.ts";
import { BranchImage, type Donor } from "./branch-image.ts";
import { GraphView, type ViewContext } from "./graph-view.ts";
import { BRANCH_IMAGES_MAX, DELTA_ROWS_MIN, PAST_IMAGES_MAX } from "./limits.ts";
import { BaseTables } from "./type-image.ts";
import type { KeyText } from "./unique-index.ts";

export interface ImageCacheOptions {
  /** True where the process lives on: lookups make types resident rather than read batches again and again. */
  readonly resident: boolean;
  /** The canonical spelling of a key value, by which unique tuples are compared. */
  readonly keyText: KeyText;
  /** Rows of commits that stand beside a base before they are folded into it, where not the usual. */
  readonly deltaRowsMin?: number;
}

export class ImageCache {
  private readonly tables: BaseTables;
  private readonly context: ViewContext;
  /** Least recently used first. */
  private readonly branches = new Map<BranchId, BranchImage>();
  private readonly past = new Map<CommitId, BranchImage>();
  /** Views are immutable: whoever asks for the same state shares one. */
  private views = new WeakMap<BranchState, GraphView>();

  constructor(source: SegmentReader, options: ImageCacheOptions) {
    this.tables = new BaseTables(source, options.deltaRowsMin ?? DELTA_ROWS_MIN);
    this.context = {
      ...options,
      batches: new BatchCache(source),
      past: (state) => this.pastImage(state),
    };
  }

  /** A view of a state. Costs nothing until it is read; states of a branch share what is in memory. */
  view(state: BranchState): GraphView {
    const image = this.imageOf(state);
    let view = this.views.get(state);
    if (view === undefined || view.branch !== image) {
      view = new GraphView(state, image, this.context);
      this.views.set(state, view);
    }
    return view;
  }

  /** The same for a single look: what is not in memory is read where it is needed, and makes nothing resident. */
  passing(state: BranchState): GraphView {
    return new GraphView(state, this.imageOf(state), { ...this.context, resident: false });
  }

  /** Lets go of a deleted branch. */
  forget(branch: BranchId): void {
    this.branches.delete(branch);
  }

  /** Lets go of everything. */
  clear(): void {
    this.branches.clear();
    this.past.clear();
    this.views = new WeakMap();
    this.context.batches.clear();
  }

  private imageOf(state: BranchState): BranchImage {
    const current = this.branches.get(state.ref.id);
    if (current !== undefined) {
      const isKnown = current.versionOf(state.head.id) !== null;
      if (isKnown || current.advance(state))
        return keep(this.branches, state.ref.id, current, BRANCH_IMAGES_MAX);
      if (state.head.version <= current.state.head.version) return this.pastImage(state);
    }
    const image = new BranchImage(state, this.tables, this.donorFor(state));
    return keep(this.branches, state.ref.id, image, BRANCH_IMAGES_MAX);
  }

  private pastImage(state: BranchState): BranchImage {
    const image = this.past.get(state.head.id) ?? new BranchImage(state, this.tables, null);
    return keep(this.past, state.head.id, image, PAST_IMAGES_MAX);
  }

  /** The image that shares the newest commit with a state. */
  private donorFor(state: BranchState): Donor | null {
    let best: Donor | null = null;
    for (const image of this.branches.values()) {
      const donor = image.meets(state);
      if (donor !== null && (best === null || donor.version > best.version)) best = donor;
    }
    return best;
  }
}

/** Puts an entry at the young end of a map and drops the oldest beyond `max`. */
function keep<K, V>(map: Map<K, V>, key: K, value: V, max: number): V {
  // Alone it is the youngest already.
  if (map.size > 1) map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= max) break;
    map.delete(oldest);
  }
  return value;
}
