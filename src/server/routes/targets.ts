// Which state a read means, and which branch policy judges it on.

import type { ReadSelector } from "../../engine/graph.ts";
import { badRequest, OmnigraphError } from "../../lib/errors.ts";
import { branchName, MAIN_BRANCH } from "../names.ts";
import type { ServedGraph } from "../service.ts";

export interface JudgedTarget {
  readonly selector: ReadSelector;
  /** The branch given, or for a snapshot the one that its commit was authored on. */
  readonly branch: string;
}

/** Resolves `branch` xor `snapshot` of a read request. */
export async function readTarget(
  served: ServedGraph,
  given: { readonly branch: string | undefined; readonly snapshot: string | undefined },
): Promise<JudgedTarget> {
  const { snapshot } = given;
  if (snapshot === undefined) {
    const branch = branchName(given.branch);
    return { selector: { branch }, branch };
  }
  if (given.branch !== undefined) throw badRequest("request may specify branch or snapshot, not both");
  // Without a bundle every branch is judged alike, so nothing needs to be looked up.
  const branch = served.gate === null ? MAIN_BRANCH : await authoringBranch(served, snapshot);
  return { selector: { snapshot }, branch };
}

/** An unknown commit is judged as one of `main`; the engine then says that it is unknown. */
async function authoringBranch(served: ServedGraph, commit: string): Promise<string> {
  try {
    return (await served.graph.commit(commit)).graph_branch ?? MAIN_BRANCH;
  } catch (error) {
    if (error instanceof OmnigraphError && error.kind === "not_found") return MAIN_BRANCH;
    throw error;
  }
}
