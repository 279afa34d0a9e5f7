// The check of a whole graph, and what is done about what it finds: derived data is made again; lost data is given up, and
// only when that is asked for.

import type { Catalog } from "../../schema/catalog.ts";
import { ObjectCache } from "../cache.ts";
import type { GraphContext } from "../context.ts";
import type { CommitRecord } from "../types.ts";
import { type Forced, forceBranch, giveUp, isDamaged } from "./force.ts";
import { heal } from "./heal.ts";
import { settleRef } from "./lost-refs.ts";
import { whileSteady } from "./steady.ts";
import { type Finding, verifyGraph } from "./verify.ts";

export interface RepairMode {
  /** Make derived data again. */
  readonly confirm: boolean;
  /** Give up what is lost. */
  readonly force: boolean;
}

export interface RepairReport {
  readonly findings: readonly Finding[];
  readonly catalog: Catalog;
  /** Derived data that could not be made again, in words. */
  readonly failures: readonly string[];
  /** Commits that were published. */
  readonly commits: readonly CommitRecord[];
}

/** Bytes of decoded objects that a check keeps: it reads most of them once. */
const CHECK_CACHE_BYTES = 64 * 1024 * 1024;

/** `reopen` makes a context that keeps what it reads in a cache of its own: what is in memory says nothing about storage. */
export async function repairGraph(
  reopen: (cache: ObjectCache) => GraphContext,
  { confirm, force }: RepairMode,
): Promise<RepairReport> {
  const fresh = () => reopen(new ObjectCache(CHECK_CACHE_BYTES));
  const { branches, findings, lostRefs, catalog } = await whileSteady(
    fresh(),
    () => verifyGraph(fresh()),
    (verdict) => verdict.findings.length === 0,
  );
  const failures: string[] = [];
  const forced: Forced[] = [];
  if (confirm) {
    const context = fresh();
    for (const lost of lostRefs) if (lost.found !== null) await settleRef(context, lost);
    const mended = new Set<string>();
    for (const branch of branches) failures.push(...(await heal(context, branch, mended)));
  }
  const isKnown = findings.every(({ severity }) => severity !== "unreadable");
  if (confirm && force && isKnown) {
    for (const lost of lostRefs) if (lost.found === null) await settleRef(fresh(), lost);
    for (const branch of branches) if (isDamaged(branch)) forced.push(await forceBranch(fresh(), branch));
    if (forced.length > 0) await giveUp(fresh(), forced);
  }
  return { findings, catalog, failures, commits: forced.map(({ commit }) => commit) };
}
