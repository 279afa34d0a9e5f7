// `commit changes` and `changes poll`: every page is printed before the next is asked for.

import type { ChangeFilters } from "../../engine/graph.ts";
import type { ChangeCause, ChangeFeedOutput, CommitChangesOutput } from "../../engine/outputs.ts";
import { openForRead, withGraph } from "../access.ts";
import type { Context } from "../context.ts";
import { flagOn, flagValue, flagValues, type Invocation } from "../parse.ts";
import { blocksForPeople, commitJson, feedJson, requireSameCause } from "../render/changes.ts";

export async function commitChanges(context: Context, invocation: Invocation): Promise<number> {
  const [commit] = invocation.positionals;
  const onlyPage = flagValue(invocation, "page-token");
  const scope = pageScope(invocation);
  const printer = flagOn(invocation, "json") ? commitJson() : blocksForPeople();
  const { stdout } = context.io;
  await withGraph(await openForRead(context, invocation), async (graph) => {
    let page = await graph.commitChanges({ commit, ...scope, ...optional("pageToken", onlyPage) });
    await stdout.write(printer.page([page], false));
    while (onlyPage === undefined && page.next_page_token !== undefined) {
      const next: CommitChangesOutput = await graph.commitChanges({
        commit,
        ...scope,
        pageToken: page.next_page_token,
      });
      requireSameCause(page.cause, next.cause);
      await stdout.write(printer.page([next], true));
      page = next;
    }
    await stdout.write(printer.end(optional("next_page_token", page.next_page_token)));
  });
  return 0;
}

export async function changesPoll(context: Context, invocation: Invocation): Promise<number> {
  const branch = flagValue(invocation, "branch");
  const scope = { ...optional("branch", branch), ...pageScope(invocation) };
  const start = {
    ...optional("cursor", flagValue(invocation, "cursor")),
    ...optional("start", flagValue(invocation, "start")),
  };
  const isJson = flagOn(invocation, "json");
  const printer = isJson ? feedJson() : blocksForPeople();
  const { stdout } = context.io;
  const intent = optional("branch", branch);
  await withGraph(await openForRead(context, invocation, intent), async (graph) => {
    let page: ChangeFeedOutput = await graph.pollChanges({ ...scope, ...start });
    await stdout.write(printer.page(page.blocks, false));
    let isEmpty = page.blocks.length === 0;
    while (page.next_page_token !== undefined) {
      const open: ChangeCause | undefined = page.blocks.at(-1)?.cause;
      page = await graph.pollChanges({ ...scope, pageToken: page.next_page_token });
      requireSameCause(open, page.blocks[0]?.cause);
      await stdout.write(printer.page(page.blocks, true));
      isEmpty = false;
    }
    if (!isJson) await stdout.write(isEmpty ? "(no new commits)\n\n" : "\n");
    const { cursor, caught_up } = page;
    await stdout.write(printer.end({ ...optional("cursor", cursor), ...optional("caught_up", caught_up) }));
  });
  return 0;
}

/** Which changes are wanted, and how many a page. */
function pageScope(invocation: Invocation): ChangeFilters & { readonly limit?: number } {
  const limit = flagValue(invocation, "limit");
  return {
    ...changeFilters(invocation),
    ...optional("limit", limit === undefined ? undefined : Number(limit)),
  };
}

export function changeFilters(invocation: Invocation): ChangeFilters {
  return {
    kinds: flagValues(invocation, "kind"),
    types: flagValues(invocation, "type"),
    ops: flagValues(invocation, "op"),
  };
}

/** The member where it has a value. */
function optional<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in K]?: V };
}
