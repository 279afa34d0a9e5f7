// A load from its request to its answer: into a branch that is there, or as the first commit of a new one.

import type { View } from "../../index/index.ts";
import { notFound, OmnigraphError } from "../../lib/errors.ts";
import type { Ports } from "../../lib/ports.ts";
import { type GraphStore, MAIN, validateBranchName } from "../../store/index.ts";
import type { BlobIntake } from "../blob/index.ts";
import type { CommitWriter } from "../commit-writer.ts";
import type { AuthorizationRequest, LoadRequest } from "../graph.ts";
import type { CommitOutput, LoadOutput } from "../outputs.ts";
import { type PreparedLoad, prepareLoad } from "./prepare.ts";
import type { MemoryLimits } from "./row-memory.ts";

export interface LoadEngine {
  readonly store: GraphStore;
  readonly ports: Ports;
  readonly writer: CommitWriter;
  readonly blobs: BlobIntake;
  readonly authorize: (request: AuthorizationRequest) => void;
  /** How much a load may hold in memory; the process's own bounds without. */
  readonly limits?: MemoryLimits;
}

/** One commit or nothing, the new branch included. */
export async function load(request: LoadRequest, engine: LoadEngine): Promise<LoadOutput> {
  const { branch = MAIN, from } = request;
  engine.authorize({ action: "change", branch });
  if (!(await isThere(engine.store, branch))) {
    const name = validateBranchName(branch);
    if (from === undefined) throw notFound(`branch '${name}' not found; pass \`from\` to create it`);
    engine.authorize({ action: "branch_create", branch: from, targetBranch: branch });
    const loaded = await loadNew(name, from, request, engine);
    if (loaded !== null) return loaded;
    // Somebody else made the name while this load was being prepared: it goes into their branch.
  }
  return loadInto(branch, request, engine);
}

async function isThere(store: GraphStore, branch: string): Promise<boolean> {
  if (branch === MAIN) return true;
  try {
    await store.branch(branch).head();
    return true;
  } catch (error) {
    if (error instanceof OmnigraphError && error.kind === "not_found") return false;
    throw error;
  }
}

async function loadNew(
  branch: string,
  from: string,
  request: LoadRequest,
  engine: LoadEngine,
): Promise<LoadOutput | null> {
  const attempt = new Attempt(request, engine);
  const origin = { operation: "load", actor: request.actor } as const;
  const commit = await engine.writer.publishOnNewBranch(branch, from, origin, attempt.prepare);
  return commit === null ? null : attempt.output(branch, true, commit);
}

async function loadInto(branch: string, request: LoadRequest, engine: LoadEngine): Promise<LoadOutput> {
  const attempt = new Attempt(request, engine);
  const commit = await engine.writer.publish(
    engine.store.branch(branch),
    { operation: "load", actor: request.actor },
    { repeat: request.mode === "overwrite" ? "never" : "always" },
    attempt.prepare,
  );
  return attempt.output(branch, false, commit);
}

/** What the newest preparation of a load found. */
class Attempt {
  private prepared: PreparedLoad | null = null;

  constructor(
    private readonly request: LoadRequest,
    private readonly engine: LoadEngine,
  ) {}

  readonly prepare = async (view: View): Promise<PreparedLoad> => {
    const { mode, reader = "strict", data, onProgress } = this.request;
    const { store, ports, blobs, limits } = this.engine;
    this.prepared = await prepareLoad(data, {
      store,
      view,
      ports,
      mode,
      reader,
      blobs,
      ...(limits === undefined ? {} : { limits }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return this.prepared;
  };

  output(branch: string, isCreated: boolean, commit: CommitOutput | null): LoadOutput {
    const { mode, from, actor } = this.request;
    const { nodes, edges } = this.prepared ?? { nodes: [], edges: [] };
    return {
      branch,
      base_branch: from ?? null,
      branch_created: isCreated,
      mode,
      nodes,
      edges,
      total_entities: [...nodes, ...edges].reduce((sum, type) => sum + type.entities_loaded, 0),
      actor_id: actor,
      commit,
    };
  }
}
