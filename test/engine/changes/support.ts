// Histories for the tests of entity changes, and short forms of what they say.

import type { ChangeFeedRequest, CommitChangesRequest, Graph } from "../../../src/engine/graph.ts";
import type { ChangeBlock, ChangeFeedOutput, EntityChange } from "../../../src/engine/outputs.ts";
import { HARBOUR, type TestGraph, testGraph } from "../support.ts";

/** One line a change: `insert node Ship IMO1`. */
export const lines = (changes: readonly EntityChange[]): string[] =>
  changes.map(({ op, kind, type, id }) => `${op} ${kind} ${type.name} ${id}`);

export const blockLines = (blocks: readonly ChangeBlock[]): string[][] =>
  blocks.map(({ changes }) => lines(changes));

/** The id of the newest commit. */
export async function headOf(graph: Graph, branch = "main"): Promise<string> {
  return (await graph.commits(branch))[0].graph_commit_id;
}

/** All changes of a commit, page by page; every page but the last is as large as it may be. */
export async function allChanges(graph: Graph, request: CommitChangesRequest): Promise<EntityChange[]> {
  const changes: EntityChange[] = [];
  for (let pageToken = request.pageToken; ; ) {
    const page = await graph.commitChanges({ ...request, ...(pageToken === undefined ? {} : { pageToken }) });
    changes.push(...page.changes);
    if (page.next_page_token === undefined) return changes;
    pageToken = page.next_page_token;
  }
}

/** Follows page tokens to the end of the poll. */
export async function wholePoll(graph: Graph, request: ChangeFeedRequest): Promise<ChangeFeedOutput[]> {
  const pages = [await graph.pollChanges(request)];
  const { branch, limit, kinds, types, ops } = request;
  const scope = { branch, limit, kinds, types, ops };
  for (let token = pages[0].next_page_token; token !== undefined; token = pages.at(-1)?.next_page_token) {
    pages.push(await graph.pollChanges({ ...scope, pageToken: token }));
  }
  return pages;
}

/** The cursor of a page that ends with one. */
export function cursorOf(page: ChangeFeedOutput | undefined): string {
  if (page?.cursor === undefined) throw new Error(`no cursor in ${JSON.stringify(page)}`);
  return page.cursor;
}

export function tokenOf(page: { readonly next_page_token?: string }): string {
  if (page.next_page_token === undefined) throw new Error(`no page token in ${JSON.stringify(page)}`);
  return page.next_page_token;
}

/** Two ships, a port and two calls, each in place before the tests begin. */
export async function harbour(): Promise<TestGraph> {
  const test = await testGraph(HARBOUR);
  await test.load([
    { type: "Ship", data: { imo: "IMO1", name: "Aurora", tonnage: 20 } },
    { type: "Ship", data: { imo: "IMO2", name: "Borealis", flag: "NO" } },
    { type: "Port", data: { code: "OSL", name: "Oslo" } },
    { edge: "CallsAt", from: "IMO1", to: "OSL", data: { id: "call-1", berth: "A" } },
    { edge: "CallsAt", from: "IMO2", to: "OSL", data: { id: "call-2" } },
  ]);
  return test;
}
