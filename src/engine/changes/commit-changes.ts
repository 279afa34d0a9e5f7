// The changes of one commit, page by page (spec 03 §12).

import type { GraphStore } from "../../store/index.ts";
import type { CommitChangesRequest } from "../graph.ts";
import type { CommitChangesOutput } from "../outputs.ts";
import { commitBlock, readSteps } from "./commit-block.ts";
import { changeFilter } from "./filter.ts";
import { BlockWalk, PageRoom, type PausedWalks, pageLimit } from "./pages.ts";
import { rowChanges } from "./row-changes.ts";
import {
  type CommitPageToken,
  commitBinding,
  lastSent,
  printToken,
  readToken,
  requireCommitBinding,
} from "./tokens.ts";

export async function commitChanges(
  store: GraphStore,
  paused: PausedWalks,
  request: CommitChangesRequest,
): Promise<CommitChangesOutput> {
  const filter = changeFilter(request);
  const room = new PageRoom(pageLimit(request.limit));
  const token = request.pageToken === undefined ? null : readToken("commit page token", request.pageToken);
  const { record, head } = await store.findCommit(request.commit);
  const binding = commitBinding(store.graphId, record.id, filter);
  if (token !== null) requireCommitBinding(token, binding);

  const open = async () => {
    const [step] = await readSteps(store, head, record, record.version);
    const block = await commitBlock(store, step);
    return new BlockWalk(store.storage, block.cause, rowChanges(store, block, filter, token?.sent ?? null));
  };
  const kept = request.pageToken === undefined ? null : paused.take(request.pageToken);
  const walk = kept ?? (await open());
  const { changes, isComplete } = await room.fill(walk);
  const page = { cause: walk.cause, changes };
  if (isComplete) return page;
  const next: CommitPageToken = { kind: "commit page token", ...binding, sent: lastSent(changes) };
  const nextPageToken = printToken(next);
  paused.keep(nextPageToken, walk);
  return { ...page, next_page_token: nextPageToken };
}
