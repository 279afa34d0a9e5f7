// Histories at random, with Blobs, branches, merges, compaction and cleanup: every commit that can be read shows the bytes
// that it always did, and after a while no bytes are left that none shows.

import { describe, expect, it } from "bun:test";
import type { Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph, openMaintenance } from "../../src/engine/index.ts";
import { sha256Hex } from "../../src/lib/digest.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { quickPorts } from "../store/support.ts";
import { Dice } from "../support/dice.ts";
import { over, text } from "./support.ts";

const SCHEMA = `
node Ship { imo: String @key  name: String?  photo: Blob?  plan: Blob? }
edge Tows: Ship -> Ship { contract: Blob? }
`;
const MINUTE_MS = 60_000;
const SEEDS = 15;
const STEPS = 40;

class History {
  private readonly ports;
  private readonly bucket = new MemoryBucket();
  private readonly dice: Dice;
  /** What each commit showed when it was made. */
  private readonly shown = new Map<string, string>();
  private graph: Graph | null = null;
  private hasMerged = false;

  constructor(seed: number) {
    // Far from the ids of other tests, which this process remembers.
    this.ports = quickPorts(900_000 + seed);
    this.dice = new Dice(seed);
  }

  private storage() {
    return memoryStorage(this.ports, { bucket: this.bucket });
  }

  private async open(): Promise<Graph> {
    this.graph ??= await openGraph({ storage: this.storage(), ports: this.ports });
    return this.graph;
  }

  /** The next to work is a process that remembers nothing of this one. */
  private async leave(): Promise<void> {
    await this.graph?.close();
    this.graph = null;
  }

  async run(): Promise<void> {
    await initGraph({ storage: this.storage(), ports: this.ports, schemaSource: SCHEMA });
    for (let step = 0; step < STEPS; step++) await this.step();
    await this.cleanUp(1 + this.dice.below(4));
    this.ports.advance(120 * MINUTE_MS);
    await this.cleanUp(1 + this.dice.below(4));
    await this.checkSpace(await this.check());
  }

  private async step(): Promise<void> {
    const graph = await this.open();
    const branches = await graph.branches();
    const branch = this.dice.pick(branches);
    this.ports.advance(this.dice.below(30) * MINUTE_MS);
    const turn = this.dice.below(100);
    if (turn < 55) await this.load(branch);
    else if (turn < 65) await this.change(branch);
    else if (turn < 72 && branches.length < 4) {
      await graph
        .createBranch({ name: `b${this.dice.below(1_000)}`, from: branch, actor: null })
        .catch(expected);
    } else if (turn < 78) await this.merge(branch);
    else if (turn < 82) await graph.deleteBranch({ name: branch, actor: null }).catch(expected);
    else if (turn < 88) await this.optimize();
    else if (turn < 92) await this.leave();
    else {
      await this.cleanUp(1 + this.dice.below(6));
      await this.check();
    }
    await this.note();
  }

  private async load(branch: string): Promise<void> {
    const { load } = over(this.storage(), await this.open());
    const ships = Array.from({ length: 1 + this.dice.below(3) }, () => ({
      type: "Ship",
      data: { imo: `S${this.dice.below(8)}`, photo: this.blob(), plan: this.blob() },
    }));
    const [{ data }] = ships;
    const tow = { edge: "Tows", from: data.imo, to: data.imo, data: { id: data.imo, contract: this.blob() } };
    const lines = this.dice.below(3) === 0 ? [...ships, tow] : ships;
    await load(lines, this.dice.pick(["merge", "merge", "overwrite"]), branch).catch(expected);
  }

  /** Few of them, so that rows come to share them and to give them up. */
  private blob(): string | null {
    const content = this.dice.below(12);
    return content === 0 ? null : `base64:${Buffer.from(`bytes ${content}`).toString("base64")}`;
  }

  private async change(branch: string): Promise<void> {
    const { mutate } = over(this.storage(), await this.open());
    const imo = `S${this.dice.below(8)}`;
    const statement = this.dice.pick([
      `delete Ship where imo = "${imo}"`,
      `update Ship set { name: "n${this.dice.below(99)}" } where imo = "${imo}"`,
    ]);
    await mutate(statement, {}, branch).catch(expected);
  }

  private async merge(source: string): Promise<void> {
    const graph = await this.open();
    const merged = await graph.merge({ source, target: "main", actor: null }).catch(expected);
    this.hasMerged ||= merged !== undefined;
  }

  private async optimize(): Promise<void> {
    const maintained = await openMaintenance({ storage: this.storage(), ports: this.ports });
    await maintained.optimize();
    await maintained.close();
  }

  private async cleanUp(keep: number): Promise<void> {
    const maintained = await openMaintenance({ storage: this.storage(), ports: this.ports });
    await maintained.cleanup({ keep });
    await maintained.close();
  }

  /** Remembers what the heads show. */
  private async note(): Promise<void> {
    const graph = await this.open();
    for (const branch of await graph.branches()) {
      const [head] = await graph.commits(branch);
      if (this.shown.has(head.graph_commit_id)) continue;
      this.shown.set(head.graph_commit_id, await text(await graph.export({ branch })));
    }
  }

  /** Everything that can be read, which must be as it was. */
  private async check(): Promise<string[]> {
    await this.leave();
    const graph = await this.open();
    const readable: string[] = [];
    for (const branch of await graph.branches()) {
      for (const [place, { graph_commit_id: id }] of (await graph.commits(branch)).entries()) {
        const lines = await this.exportAt(graph, id);
        if (place === 0) expect(lines).not.toBeNull();
        if (lines === null) continue;
        const known = this.shown.get(id);
        if (known !== undefined) expect(lines).toBe(known);
        readable.push(lines);
      }
    }
    const maintained = await openMaintenance({ storage: this.storage(), ports: this.ports });
    const { datasets } = await maintained.repair({ confirm: false, force: false });
    await maintained.close();
    expect(datasets.flatMap(({ operations }) => operations)).toEqual([]);
    return readable;
  }

  /** Null where cleanup took it. */
  private async exportAt(graph: Graph, snapshot: string): Promise<string | null> {
    try {
      return await text(await graph.export({ snapshot }));
    } catch (thrown) {
      if (thrown instanceof OmnigraphError && thrown.kind === "gone") return null;
      throw thrown;
    }
  }

  private checkSpace(readable: readonly string[]): void {
    const needed = new Set<string>();
    for (const [, bytes] of readable.join("").matchAll(/"base64:([^"]*)"/g)) {
      needed.add(`blobs/${sha256Hex(Buffer.from(bytes, "base64"))}`);
    }
    const kept = new Set([...this.bucket.objects.keys()].filter((key) => key.startsWith("blobs/")));
    expect([...needed].filter((key) => !kept.has(key))).toEqual([]);
    // A merge to come may stand on a commit that no branch lists.
    if (!this.hasMerged) expect(kept).toEqual(needed);
  }
}

/** Conflicts, names that are taken, branches that others stand on: part of a random life. */
function expected(thrown: unknown): void {
  if (!(thrown instanceof OmnigraphError) || thrown.status >= 500) throw thrown;
}

describe("Blobs in a history at random", () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    "stay while a commit shows them: seed %d",
    async (seed) => {
      await new History(seed).run();
    },
  );
});
