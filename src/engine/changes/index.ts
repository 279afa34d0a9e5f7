// What commits changed, entity by entity: of one commit, along a branch, and the state from which to follow it.

import type { View } from "../../index/view.ts";
import type { GraphStore } from "../../store/index.ts";
import type { BranchState } from "../../store/types.ts";
import type { ChangeBaselineRequest, ChangeFeedRequest, CommitChangesRequest } from "../graph.ts";
import { captureBaseline } from "./baseline.ts";
import { commitChanges } from "./commit-changes.ts";
import { pollChanges } from "./feed.ts";
import { PausedWalks } from "./pages.ts";

export { branchBinding, cursorRejected, printToken, readToken, requireBranchBinding } from "./tokens.ts";

/** Reads the changes of one graph; remembers nothing but the walks that wait for their next page. */
export class ChangeReader {
  private readonly paused = new PausedWalks();

  constructor(
    private readonly store: GraphStore,
    /** The view of a branch's head. */
    private readonly viewOf: (state: BranchState) => View,
  ) {}

  ofCommit(request: CommitChangesRequest) {
    return commitChanges(this.store, this.paused, request);
  }

  poll(request: ChangeFeedRequest) {
    return pollChanges(this.store, this.paused, request);
  }

  baseline(request: ChangeBaselineRequest) {
    return captureBaseline(this.store, this.viewOf, request);
  }
}
