// Who uses the graph: clients of several processes, each doing one thing after another. What they do is chosen by seed.

import type { Graph } from "../../src/engine/graph.ts";
import type { CommitOutput } from "../../src/engine/outputs.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import type { KeeperHabits } from "./keepers.ts";
import { schemaWith, type Write } from "./model.ts";
import { exportedRecord, type Operation, type Oracle, type ReadAt, type Request } from "./oracle.ts";
import type { Random } from "./random.ts";
import { randomRead } from "./reads.ts";
import type { Answer, Slot } from "./slot.ts";
import type { World } from "./world.ts";
import { ndjson, randomLoad, randomWrite, statementOf, type WriteWeights } from "./writes.ts";

export interface Habits {
  readonly actions: Readonly<Record<Action, number>>;
  readonly writes: WriteWeights;
  /** Chance that a write goes to main although there are branches. */
  readonly toMain: number;
  /** Names of branches that come and go. */
  readonly branchNames: readonly string[];
  /** Longest pause between two actions of a client, in ms. */
  readonly pauseMs: number;
  readonly keepers: KeeperHabits;
}

export type Action =
  | "write"
  | "conditional"
  | "read"
  | "past"
  | "export"
  | "list"
  | "create"
  | "fork"
  | "delete"
  | "merge";

export interface Society {
  readonly world: World;
  readonly oracle: Oracle;
  readonly habits: Habits;
  /** Takes one action of what is left; false when none is. */
  readonly takeStep: () => boolean;
}

/** One client: does what its habits say until all steps are taken. */
export async function runClient(
  society: Society,
  slot: Slot<Graph>,
  name: string,
  random: Random,
): Promise<void> {
  const client = new Client(society, slot, name, random);
  while (society.takeStep()) {
    await society.world.timeline.sleep(random.below(society.habits.pauseMs));
    if (society.oracle.failure !== null) return;
    await client.act(random.weighted(society.habits.actions));
  }
}

class Client {
  private calls = 0;

  constructor(
    private readonly society: Society,
    private readonly slot: Slot<Graph>,
    private readonly name: string,
    private readonly random: Random,
  ) {}

  async act(action: Action): Promise<void> {
    switch (action) {
      case "write":
        return this.write(this.someBranch(), null);
      case "conditional":
        return this.conditionalWrite(this.someBranch());
      case "read":
        return this.read({ branch: this.someBranch() });
      case "past":
        return this.read({ snapshot: this.someCommit() });
      case "export":
        return this.export(
          this.random.chance(0.5) ? { branch: this.someBranch() } : { snapshot: this.someCommit() },
        );
      case "list":
        return this.random.chance(0.5) ? this.listBranches() : this.listCommits(this.someBranch());
      case "create":
        return this.create();
      case "fork":
        return this.fork();
      case "delete":
        return this.deleteBranch();
      case "merge":
        return this.merge();
    }
  }

  private async conditionalWrite(branch: string): Promise<void> {
    const head = await this.readHead(branch);
    if (head !== null) await this.write(branch, head);
  }

  /** The commit that a caller read, to write only while it is the head. */
  private async readHead(branch: string): Promise<string | null> {
    const answer = await this.slot.call((graph) => graph.query({ source: LOOK, branch }));
    return answer.kind === "value" ? answer.value.graphCommitId : null;
  }

  private async write(branch: string, ifCommit: string | null): Promise<void> {
    const { oracle, habits } = this.society;
    const mark = this.nextMark();
    const write = this.chooseWrite(mark, habits.writes, ifCommit !== null);
    const operation = this.begin(mark, {
      kind: "write",
      branch: write.kind === "schema" ? "main" : branch,
      write,
      ifCommit,
    });
    if (write.kind === "schema") {
      const source = schemaWith(write.extras);
      const apply = this.slot.call((graph) => graph.applySchema({ source, actor: mark }));
      return this.settle(operation, await apply, ({ applied }) => oracle.applied(operation, applied));
    }
    const answer = await this.slot.call((graph) => send(graph, branch, write, ifCommit));
    this.settle(operation, answer, ({ commit }) => oracle.wrote(operation, commit));
  }

  private chooseWrite(mark: string, weights: WriteWeights, isConditional: boolean): Write {
    const extras = this.mainHead().extras;
    for (;;) {
      const write = randomWrite(this.random, mark, weights, extras);
      if (!isConditional || (write.kind !== "load" && write.kind !== "schema")) return write;
    }
  }

  private async read(at: ReadAt): Promise<void> {
    const { oracle, world } = this.society;
    const startedAt = world.timeline.step;
    const read = randomRead(this.random);
    const { source, params } = read;
    const answer = await this.slot.call((graph) => graph.query({ source, params, ...at }));
    if (answer.kind === "error") oracle.readRefused(startedAt, at, answer.thrown);
    if (answer.kind === "value")
      oracle.read(startedAt, at, answer.value.graphCommitId, read, answer.value.rows());
  }

  private async export(at: ReadAt): Promise<void> {
    const { oracle, world } = this.society;
    const startedAt = world.timeline.step;
    const answer = await this.slot.call((graph) => exportedRecords(graph, at));
    if (answer.kind === "error") oracle.readRefused(startedAt, at, answer.thrown);
    if (answer.kind === "value") oracle.exported(startedAt, at, answer.value);
  }

  private async listBranches(): Promise<void> {
    const { oracle, world } = this.society;
    const startedAt = world.timeline.step;
    const answer = await this.slot.call((graph) => graph.branches());
    if (answer.kind === "error") oracle.readRefused(startedAt, { branch: "main" }, answer.thrown);
    if (answer.kind === "value") oracle.listedBranches(startedAt, answer.value);
  }

  private async listCommits(branch: string): Promise<void> {
    const { oracle, world } = this.society;
    const startedAt = world.timeline.step;
    const answer = await this.slot.call((graph) => graph.commits(branch));
    if (answer.kind === "error") oracle.readRefused(startedAt, { branch }, answer.thrown);
    if (answer.kind === "value") oracle.listedCommits(startedAt, branch, answer.value);
  }

  private async create(): Promise<void> {
    const name = this.random.pick(this.society.habits.branchNames);
    const from = this.someBranch();
    const operation = this.begin(this.nextMark(), { kind: "create", branch: name, from });
    const answer = await this.slot.call((graph) => graph.createBranch({ name, from, actor: operation.mark }));
    this.settle(operation, answer, () => this.society.oracle.created(operation));
  }

  /** A load that makes its branch, unless somebody did. */
  private async fork(): Promise<void> {
    const branch = this.random.pick(this.society.habits.branchNames);
    const from = this.someBranch();
    const mark = this.nextMark();
    const write = randomLoad(this.random, mark);
    const operation = this.begin(mark, { kind: "fork", branch, from, write });
    const answer = await this.slot.call((graph) => load(graph, branch, write, from));
    this.settle(operation, answer, ({ branch_created, commit }) =>
      this.society.oracle.forked(operation, branch_created, commit),
    );
  }

  private async deleteBranch(): Promise<void> {
    const name = this.random.pick(this.society.habits.branchNames);
    const operation = this.begin(this.nextMark(), { kind: "delete", branch: name });
    const answer = await this.slot.call((graph) => graph.deleteBranch({ name, actor: operation.mark }));
    this.settle(operation, answer, () => this.society.oracle.deleted(operation));
  }

  private async merge(): Promise<void> {
    const source = this.someBranch();
    const target = this.someBranch();
    if (source === target) return;
    const isLast = source !== "main" && this.random.chance(0.2);
    const operation = this.begin(this.nextMark(), { kind: "merge", source, target, isLast });
    const answer = await this.slot.call((graph) =>
      graph.merge({ source, target, actor: operation.mark, deleteBranch: isLast }),
    );
    this.settle(operation, answer, ({ outcome }) => this.society.oracle.merged(operation, outcome));
  }

  private begin(mark: string, request: Request): Operation {
    this.society.world.trace(`${mark} begins: ${JSON.stringify(request)}`);
    return this.society.oracle.begin(mark, request);
  }

  private settle<T>(operation: Operation, answer: Answer<T>, succeed: (value: T) => void): void {
    const { oracle, world } = this.society;
    const told = answer.kind === "error" ? `${answer.thrown}` : answer.kind;
    world.trace(`${operation.mark} ends: ${told}`);
    if (answer.kind === "value") succeed(answer.value);
    else if (answer.kind === "error") oracle.refused(operation, answer.thrown);
    else oracle.abandon(operation);
  }

  private nextMark(): string {
    return `${this.name}-${++this.calls}`;
  }

  private mainHead() {
    const reign = this.society.oracle.history.branchesNamed("main")[0].reigns.at(-1);
    if (reign === undefined) throw new Error("main has a head from the start");
    return reign.commit.state;
  }

  /** Mostly one that is there; now and then one that is not. */
  private someBranch(): string {
    const { oracle, habits } = this.society;
    if (habits.branchNames.length === 0 || this.random.chance(habits.toMain)) return "main";
    const live = oracle.history.live().map(({ name }) => name);
    return this.random.pick(this.random.chance(0.1) ? habits.branchNames : live);
  }

  private someCommit(): string {
    return this.random.pick([...this.society.oracle.history.commits.keys()]);
  }
}

/** A read by which a caller learns the head. */
const LOOK = "query look() { match { $a: Account } return { $a.name } }";

async function send(
  graph: Graph,
  branch: string,
  write: Exclude<Write, { kind: "schema" }>,
  ifCommit: string | null,
): Promise<{ readonly commit: CommitOutput | null }> {
  const actor = write.mark;
  if (write.kind === "load") return load(graph, branch, write);
  return graph.mutate({ ...statementOf(write), branch, actor, ...(ifCommit === null ? {} : { ifCommit }) });
}

function load(graph: Graph, branch: string, write: Extract<Write, { kind: "load" }>, from?: string) {
  const bytes = encodeUtf8(ndjson(write.lines));
  const { mode, mark: actor } = write;
  return graph.load({
    data: () => chunksOf(bytes),
    ...{ mode, branch, actor },
    ...(from === undefined ? {} : { from }),
  });
}

async function* chunksOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** A whole export, as the model writes its rows. */
export async function exportedRecords(graph: Graph, at: ReadAt): Promise<string[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await graph.export(at)) chunks.push(chunk);
  const lines = decodeUtf8(Buffer.concat(chunks)).split("\n");
  return lines.filter((line) => line !== "").map(exportedRecord);
}
