// Lets a graph live through a story: after each step the state has to be what the plain world says, and each question has to
// be answered as the evaluator answers it, whoever is asked.

import type { Graph as GraphDoor } from "../../src/engine/graph.ts";
import { initGraph, openGraph, openMaintenance } from "../../src/engine/index.ts";
import { ImageCache } from "../../src/index/index.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { type Ports, systemPorts } from "../../src/lib/ports.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { type Catalog, canonicalKeyText, decodeAccepted, type EntityType } from "../../src/schema/index.ts";
import { memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { ObjectCache, openStore, type Row } from "../../src/store/index.ts";
import { keyOf } from "../index/history.ts";
import { agree, expectedAnswer, NOW_MS, planned } from "./compare.ts";
import type { Graph } from "./evaluate.ts";
import { type EntityModel, schemaText } from "./graph-model.ts";
import { parametersJson, questionText } from "./question.ts";
import { loadRecord, mutationSource, type Reader, type Story, type StoryStep } from "./story.ts";
import { emptyWorld, loaded, mutated, type World, worldText } from "./world.ts";

const PORTS: Ports = { ...systemPorts(), now: () => NOW_MS, env: { OMNIGRAPH_EMBEDDINGS_MOCK: "1" } };
const CACHE_BYTES = 1 << 20;

/** Where a story goes another way than it should. */
export class StoryFailure extends Error {}

/** A state as the store tells it. */
interface Told {
  readonly catalog: Catalog;
  readonly graph: Graph;
  readonly world: World;
}

export interface StoryReport {
  readonly writes: number;
  readonly refusedWrites: number;
  readonly answers: number;
}

/** Throws StoryFailure, or whatever breaks. */
export async function tell(story: Story): Promise<StoryReport> {
  const storage = memoryStorage(PORTS);
  await initGraph({ storage, ports: PORTS, schemaSource: schemaText(story.schema) });
  const teller = new Teller(story, storage, {
    writer: await openGraph({ storage, ports: PORTS }),
    resident: await openGraph({ storage, ports: PORTS, resident: true }),
  });
  try {
    for (const step of story.steps) await teller.take(step);
    return teller.report;
  } finally {
    await teller.close();
  }
}

class Teller {
  readonly report = { writes: 0, refusedWrites: 0, answers: 0 };
  private readonly worlds = new Map<string, World>();
  /** What each commit of a mutation or load led to. */
  private readonly commits: { readonly id: string; readonly told: Told }[] = [];

  constructor(
    private readonly story: Story,
    private readonly storage: StorageAdapter,
    private readonly graphs: Readonly<Record<Exclude<Reader, "newcomer">, GraphDoor>>,
  ) {
    this.worlds.set("main", emptyWorld(story.schema));
  }

  async take(step: StoryStep): Promise<void> {
    switch (step.kind) {
      case "mutate":
        return this.mutate(step);
      case "load":
        return this.load(step);
      case "fork":
        return this.fork(step);
      case "merge":
        return this.merge(step);
      case "optimize":
        return this.optimize();
      case "ask":
        return this.ask(step);
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.graphs).map((graph) => graph.close()));
  }

  private worldOf(branch: string): World {
    const world = this.worlds.get(branch);
    // A story that was made smaller may have lost the branch.
    if (world === undefined) throw new Error(`no branch ${branch}`);
    return world;
  }

  private async mutate({ branch, statements }: Extract<StoryStep, { kind: "mutate" }>): Promise<void> {
    // Of a story that was made smaller, nothing may be left.
    if (statements.length === 0) return;
    const { schema } = this.story;
    const { text, parameters } = mutationSource(schema, statements);
    const expected = mutated(schema, this.worldOf(branch), statements);
    const params = Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
    const found = await unlessRefused(
      this.graphs.writer.mutate({ source: text, params, branch, actor: null }),
    );
    this.noteWrite(expected !== null, found !== null);
    if (expected === null || found === null) return;
    const { nodes, edges } = expected.affected;
    requireEqual("affected nodes", nodes, found.affected_nodes);
    requireEqual("affected edges", edges, found.affected_edges);
    requireEqual("whether there is a commit", nodes + edges > 0, found.commit !== null);
    await this.settle(branch, expected.world, found.commit?.graph_commit_id ?? null);
  }

  private async load(step: Extract<StoryStep, { kind: "load" }>): Promise<void> {
    const { schema } = this.story;
    const { branch, entities } = step;
    const expected = loaded(schema, this.worldOf(branch), step);
    const lines = entities.map(({ type, entity }) => `${loadRecord(schema, type, entity)}\n`).join("");
    const data = async function* () {
      yield encodeUtf8(lines);
    };
    const found = await unlessRefused(this.graphs.writer.load({ data, mode: "merge", branch, actor: null }));
    this.noteWrite(expected !== null, found !== null);
    if (expected !== null && found !== null) await this.settle(branch, expected, null);
  }

  private noteWrite(isExpected: boolean, isDone: boolean): void {
    requireEqual("whether the write is done", isExpected, isDone);
    this.report.writes++;
    if (!isDone) this.report.refusedWrites++;
  }

  /** The state has to be this world; from here on edges go by the ids that they have. */
  private async settle(branch: string, expected: World, commit: string | null): Promise<void> {
    const told = await stateOf(this.storage, branch);
    const { schema } = this.story;
    requireEqual(`the state of ${branch}`, worldText(schema, expected), worldText(schema, told.world));
    this.worlds.set(branch, told.world);
    if (commit !== null) this.commits.push({ id: commit, told });
  }

  private async fork({ branch, from }: Extract<StoryStep, { kind: "fork" }>): Promise<void> {
    const world = this.worldOf(from);
    await this.graphs.writer.createBranch({ name: branch, from, actor: null });
    await this.settle(branch, world, null);
  }

  /** What a merge does, other tests say: here only that everybody sees it alike. */
  private async merge({ source, target }: Extract<StoryStep, { kind: "merge" }>): Promise<void> {
    this.worldOf(source);
    const before = this.worldOf(target);
    const found = await unlessRefused(this.graphs.writer.merge({ source, target, actor: null }));
    await this.settle(target, found === null ? before : (await stateOf(this.storage, target)).world, null);
  }

  private async optimize(): Promise<void> {
    const maintenance = await openMaintenance({ storage: this.storage, ports: PORTS });
    await maintenance.optimize();
    await maintenance.close();
    await this.settle("main", this.worldOf("main"), null);
  }

  private async ask({ reader, branch, back, question }: Extract<StoryStep, { kind: "ask" }>): Promise<void> {
    const commit =
      back === null ? undefined : this.commits.at(-1 - (back % Math.max(1, this.commits.length)));
    if (back === null) this.worldOf(branch);
    const told = commit?.told ?? (await stateOf(this.storage, branch));
    const asked = planned(question, told.catalog);
    if (asked === null) return;
    const graph =
      reader === "newcomer" ? await openGraph({ storage: this.storage, ports: PORTS }) : this.graphs[reader];
    const answer = await graph.query({
      source: questionText(question),
      params: Object.fromEntries(question.parameters.map(({ name, value }) => [name, value])),
      ...(commit === undefined ? { branch } : { snapshot: commit.id }),
    });
    const [expected, found] = [expectedAnswer(asked, told.graph), answer.rowsJson()];
    if (!agree(asked.plan, expected, found)) {
      throw new StoryFailure(
        `parameters ${parametersJson(question)}\nexpected   ${expected}\nfound      ${found}`,
      );
    }
    this.report.answers++;
  }
}

function requireEqual(what: string, expected: unknown, found: unknown): void {
  if (expected !== found) throw new StoryFailure(`${what}\nexpected   ${expected}\nfound      ${found}`);
}

/** Null where the engine refuses. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    // What cannot even be said is a fault of the story.
    const isSaid = error instanceof OmnigraphError && !/^(?:type|parse) error|^param /.test(error.message);
    if (isSaid && error.status < 500) return null;
    throw error;
  }
}

/** The head of a branch as a process that holds nothing reads it. */
async function stateOf(storage: StorageAdapter, branch: string): Promise<Told> {
  const store = await openStore(storage, PORTS, {
    decodeSchema: decodeAccepted,
    cache: new ObjectCache(CACHE_BYTES),
  });
  const state = await store.branch(branch).head();
  const view = new ImageCache(store, { resident: false, keyText: canonicalKeyText }).view(state);
  const { catalog } = state;
  await view.load(catalog.typeById.values());
  const graph = new Map<number, Map<string, Row>>();
  const world = new Map<string, Map<string, EntityModel>>();
  for (const type of [...catalog.nodes.values(), ...catalog.edges.values()]) {
    const table = type.kind === "node" ? view.nodes(type) : view.edges(type);
    const rows = Array.from(table.all(), (number) => table.row(number));
    graph.set(type.id, new Map(rows.map((row) => [keyOf(row), row])));
    world.set(type.name, new Map(rows.map((row) => [row.id, entityOf(type, row)])));
  }
  return { catalog, graph, world };
}

function entityOf(type: EntityType, { id, src, dst, values }: Row): EntityModel {
  const named = Object.fromEntries(type.properties.map(({ name }, i) => [name, values[i]]));
  return src === null || dst === null ? { id, values: named } : { id, src, dst, values: named };
}
