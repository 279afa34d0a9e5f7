// `optimize`: the rows of main in fewer, larger segments. Nothing that a read can see changes.

import { changedAt, type GraphStore, inParallel, MAIN } from "../../store/index.ts";
import type { OptimizedDataset, OptimizeOutput } from "./outputs.ts";
import { pendingIndexes } from "./pending-indexes.ts";
import { typeKey, typesByKey } from "./types.ts";

export async function optimize(store: GraphStore, parallelTypes: number): Promise<OptimizeOutput> {
  const { state, types } = await store.optimize(MAIN, parallelTypes);
  const datasets = await inParallel(
    typesByKey(state.catalog),
    parallelTypes,
    async (type): Promise<OptimizedDataset> => {
      const compacted = types.get(type.id);
      return {
        type_key: typeKey(type),
        fragments_removed: compacted?.removed ?? 0,
        fragments_added: compacted?.added ?? 0,
        committed: compacted !== undefined,
        skipped: null,
        published_dataset_version: compacted === undefined ? null : changedAt(state, type.id),
        pending_indexes: await pendingIndexes(store, state, type),
      };
    },
  );
  return { uri: store.storage.uri, datasets };
}
