// The ways in which a process may come to hold one and the same state: how its rows are laid out, and what is in memory.

import { warm } from "../../src/engine/read/index.ts";
import type { GraphView } from "../../src/index/index.ts";
import type { History, Layout } from "../index/history.ts";

export interface Form {
  readonly name: string;
  /** How many of the commits are in the checkpoint: the rest is what came after. */
  readonly checkpointed: "none" | "half" | "all";
  readonly layout: Partial<Layout>;
  /**
   * `cold`: nothing is in memory, so that a few entities are looked up by themselves. `warm`: all is, with adjacency, full
   * text and vectors. `indexed`: there is an index of every value. `moving`: all was in memory before the first commit,
   * and each commit was taken in. `folding`: the same, with adjacency asked for on the way, and a new base made every few
   * rows. `forked`: the state is a branch's, and half of its commits are in the memory of the branch that it came from.
   */
  readonly memory: "cold" | "warm" | "indexed" | "moving" | "folding" | "forked";
}

/** Rows beside a base before they are folded into it. */
const FOLDED_ROWS = 3;

export const FORMS: readonly Form[] = [
  { name: "a tail of commits", checkpointed: "none", layout: {}, memory: "cold" },
  { name: "a base in memory", checkpointed: "all", layout: {}, memory: "warm" },
  {
    name: "many small batches",
    checkpointed: "all",
    layout: { commitsPerSegment: 1, rowsPerBatch: 2 },
    memory: "cold",
  },
  { name: "a base and a delta", checkpointed: "half", layout: { commitsPerSegment: 2 }, memory: "warm" },
  { name: "a base with indexes and a delta", checkpointed: "half", layout: {}, memory: "indexed" },
  { name: "a tail of segments", checkpointed: "half", layout: { tailSegments: true }, memory: "cold" },
  { name: "commits taken in one by one", checkpointed: "none", layout: {}, memory: "moving" },
  { name: "commits folded into a base", checkpointed: "none", layout: {}, memory: "folding" },
  { name: "a branch of another", checkpointed: "half", layout: {}, memory: "forked" },
];

/** The state after `version` commits, in one form. */
export async function viewIn(form: Form, history: History, version: number): Promise<GraphView> {
  const share = { none: 0, half: Math.floor(version / 2), all: version }[form.checkpointed];
  const state = (count: number, branch?: string) =>
    history.state({ ...form.layout, checkpointed: Math.min(share, count) }, count, branch);
  if (form.memory === "cold") return history.cache().view(state(version));
  const cache = history.cache({ resident: true });
  const types = [...history.catalog.typeById.values()];
  switch (form.memory) {
    case "warm": {
      const view = cache.view(state(version));
      await warm(view);
      return view;
    }
    case "indexed": {
      const view = cache.view(state(version));
      await view.load(types);
      await indexValues(view);
      return view;
    }
    case "moving": {
      await cache.view(state(0)).load(types);
      const views = history.commits.map((_, i) => cache.view(state(i + 1)));
      return version === 0 ? cache.view(state(0)) : views[version - 1];
    }
    case "folding": {
      const folding = history.cache({ resident: true, deltaRowsMin: FOLDED_ROWS });
      let view = folding.view(state(0));
      await warm(view);
      // Whoever looks at a version makes what the next one builds upon.
      for (let count = 1; count <= version; count++) {
        view = folding.view(state(count));
        if (count % 2 === 0) await warm(view);
      }
      return view;
    }
    case "forked": {
      await warm(cache.view(state(Math.ceil(version / 2))));
      const view = cache.view(state(version, "side"));
      await view.load(types);
      return view;
    }
  }
}

async function indexValues(view: GraphView): Promise<void> {
  const { nodes, edges } = view.catalog;
  const tables = [
    ...[...nodes.values()].map((type) => view.nodes(type)),
    ...[...edges.values()].map((type) => view.edges(type)),
  ];
  for (const { base, type } of tables) {
    for (const { id } of type.properties) await base.values.build(id, async () => undefined);
  }
}
