// The changes of a branch's commits, oldest first, from a place that the caller remembers (spec 03 §13). Nothing about a
// caller is kept here: a cursor works from any process, any number of times.

import { badRequest } from "../../lib/errors.ts";
import { type GraphStore, MAIN, type Step } from "../../store/index.ts";
import type { BranchState, CommitRecord } from "../../store/types.ts";
import type { ChangeFeedRequest } from "../graph.ts";
import type { ChangeBlock, ChangeFeedOutput } from "../outputs.ts";
import { commitBlock, isUndeliverable, readSteps } from "./commit-block.ts";
import { type ChangeFilter, changeFilter } from "./filter.ts";
import { OPENED_COMMITS_MAX, POLL_COMMITS_MAX } from "./limits.ts";
import { BlockWalk, PageRoom, type PausedWalks, pageLimit } from "./pages.ts";
import { rowChanges } from "./row-changes.ts";
import {
  type ChainPoint,
  cursorRejected,
  type FeedPageToken,
  feedBinding,
  lastSent,
  printToken,
  readToken,
  requireBinding,
  type SentChange,
} from "./tokens.ts";

/** Where a page begins and how far it may go. */
interface Stretch {
  /** The last commit that was delivered whole. */
  readonly after: ChainPoint;
  /** The last commit to deliver: the head that the poll saw. */
  readonly cut: ChainPoint;
  /** The last change that was sent of the commit that follows `after`; null where none was. */
  readonly sent: SentChange | null;
}

/** One page of one poll. */
interface Poll {
  readonly store: GraphStore;
  readonly paused: PausedWalks;
  readonly head: BranchState;
  readonly filter: ChangeFilter;
  readonly request: ChangeFeedRequest;
}

export async function pollChanges(
  store: GraphStore,
  paused: PausedWalks,
  request: ChangeFeedRequest,
): Promise<ChangeFeedOutput> {
  const filter = changeFilter(request);
  const room = new PageRoom(pageLimit(request.limit));
  const find = stretchFinder(request);
  const head = await store.branch(request.branch ?? MAIN).head();
  const poll: Poll = { store, paused, head, filter, request };
  return fillPage(poll, room, await find(poll));
}

/** The token that the feed goes on from after a commit. */
export function cursorAfter(
  store: GraphStore,
  { ref }: BranchState,
  filter: ChangeFilter,
  after: ChainPoint,
) {
  return printToken({ kind: "feed cursor", ...feedBinding(store.graphId, ref, filter), after });
}

/** Refuses what is wrong with the request itself before anything is read. */
function stretchFinder(request: ChangeFeedRequest): (poll: Poll) => Promise<Stretch> {
  const { cursor, start, pageToken } = request;
  if ([cursor, start, pageToken].filter((given) => given !== undefined).length > 1) {
    throw badRequest("`cursor`, `start` and `page_token` are mutually exclusive");
  }
  if (cursor !== undefined) {
    const token = readToken("feed cursor", cursor);
    return async (poll) => {
      requireBinding(token, bindingOf(poll));
      await requireOnChain(poll, token.after);
      return { after: token.after, cut: pointOf(poll.head.head), sent: null };
    };
  }
  if (pageToken !== undefined) {
    const token = readToken("feed page token", pageToken);
    return async (poll) => {
      requireBinding(token, bindingOf(poll));
      await Promise.all([requireOnChain(poll, token.block), requireOnChain(poll, token.cut)]);
      const before = await pointAt(poll, token.block.version - 1);
      return { after: before, cut: token.cut, sent: token.sent };
    };
  }
  return startFinder(start ?? "now");
}

const START_HINT = "start must be now | beginning | after:<commit_id>";
const AFTER = "after:";

function startFinder(start: string): (poll: Poll) => Promise<Stretch> {
  const from = (after: ChainPoint, { head }: Poll): Stretch => ({
    after,
    cut: pointOf(head.head),
    sent: null,
  });
  if (start === "now") return async (poll) => from(pointOf(poll.head.head), poll);
  if (start === "beginning") return async (poll) => from(await pointAt(poll, 1), poll);
  const commit = start.startsWith(AFTER) ? start.slice(AFTER.length) : "";
  if (commit === "") throw badRequest(START_HINT);
  return async (poll) => {
    const chain = await poll.store.history(poll.head);
    const record = chain.find(({ id }) => id === commit);
    if (record === undefined) {
      throw cursorRejected(`commit '${commit}' is not in the history of branch '${poll.head.ref.name}'`);
    }
    return from(pointOf(record), poll);
  };
}

const pointOf = ({ id, version }: CommitRecord): ChainPoint => ({ id, version });
const bindingOf = ({ store, head, filter }: Poll) => feedBinding(store.graphId, head.ref, filter);

async function pointAt({ store, head }: Poll, version: number): Promise<ChainPoint> {
  const record = await store.commitAt(head, version);
  if (record === null) throw cursorRejected(`it names no commit of branch '${head.ref.name}'`);
  return pointOf(record);
}

async function requireOnChain(poll: Poll, point: ChainPoint): Promise<void> {
  if ((await pointAt(poll, point.version)).id !== point.id) {
    throw cursorRejected(`commit '${point.id}' is not in the history of branch '${poll.head.ref.name}'`);
  }
}

async function fillPage(poll: Poll, room: PageRoom, stretch: Stretch): Promise<ChangeFeedOutput> {
  const blocks: ChangeBlock[] = [];
  let delivered = stretch.after;
  for await (const { commit, opened } of openedCommits(poll, room, stretch)) {
    if (opened.status === "rejected") {
      if (blocks.length === 0 || !isUndeliverable(opened.reason)) throw opened.reason;
      break;
    }
    const walk = opened.value;
    const { changes, isComplete } = await room.fill(walk);
    const block = { cause: walk.cause, changes };
    if (!isComplete) {
      // Nothing of this commit had room: the page ends before it.
      if (changes.length === 0) break;
      return {
        blocks: [...blocks, block],
        next_page_token: pageTokenAfter(poll, stretch, commit, block, walk),
      };
    }
    blocks.push(block);
    delivered = commit;
  }
  return {
    blocks,
    cursor: cursorAfter(poll.store, poll.head, poll.filter, delivered),
    caught_up: delivered.id === poll.head.head.id,
  };
}

interface OpenedCommit {
  readonly commit: ChainPoint;
  readonly opened: PromiseSettledResult<BlockWalk>;
}

/** The commits of a page while it has room, some of them opened side by side so that none waits for the one before. */
async function* openedCommits(poll: Poll, room: PageRoom, stretch: Stretch): AsyncIterable<OpenedCommit> {
  const { store, head, request } = poll;
  const { after, cut, sent } = stretch;
  const last = Math.min(cut.version, after.version + POLL_COMMITS_MAX);
  for (let version = after.version + 1; version <= last && !room.isFull; ) {
    const isContinued = sent !== null && version === after.version + 1;
    const count = isContinued ? 1 : Math.min(OPENED_COMMITS_MAX, room.changesLeft);
    const first = await pointAt(poll, version);
    let steps: Step[];
    try {
      steps = await readSteps(store, head, first, Math.min(last, version + count - 1), request.cursor);
    } catch (reason) {
      yield { commit: first, opened: { status: "rejected", reason } };
      return;
    }
    const walks = await Promise.allSettled(
      steps.map((step) => walkOf(poll, step, isContinued ? sent : null)),
    );
    for (const [i, { commit }] of steps.entries()) {
      if (room.isFull) return;
      yield { commit: pointOf(commit.record), opened: walks[i] };
    }
    version += steps.length;
  }
}

/** The walk over a commit's changes, at its first ones or where the last page left it. */
async function walkOf(
  { store, paused, filter, request }: Poll,
  step: Step,
  sent: SentChange | null,
): Promise<BlockWalk> {
  const kept = sent === null || request.pageToken === undefined ? null : paused.take(request.pageToken);
  if (kept !== null) return kept;
  const block = await commitBlock(store, step);
  const walk = new BlockWalk(store.storage, block.cause, rowChanges(store, block, filter, sent));
  await walk.begin();
  return walk;
}

function pageTokenAfter(
  poll: Poll,
  { cut }: Stretch,
  block: ChainPoint,
  { changes }: ChangeBlock,
  walk: BlockWalk,
): string {
  const token: FeedPageToken = {
    kind: "feed page token",
    ...bindingOf(poll),
    block,
    cut,
    sent: lastSent(changes),
  };
  const text = printToken(token);
  poll.paused.keep(text, walk);
  return text;
}
