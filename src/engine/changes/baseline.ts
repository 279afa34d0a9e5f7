// A branch's head as records, and the cursor from which the feed goes on (spec 03 §14). Whoever has the last line has all.

import type { View } from "../../index/view.ts";
import { type JsonValue, stringifyJson } from "../../lib/json.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import { type GraphStore, MAIN } from "../../store/index.ts";
import type { BranchState } from "../../store/types.ts";
import { exportedTypes, exportRecords } from "../export.ts";
import type { ChangeBaselineRequest } from "../graph.ts";
import type { ChangeBaselineOutput } from "../outputs.ts";
import { cursorAfter } from "./feed.ts";
import { changeFilter, wantsType } from "./filter.ts";

/** Everything refusable is refused before the first chunk. */
export async function captureBaseline(
  store: GraphStore,
  viewOf: (state: BranchState) => View,
  request: ChangeBaselineRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const filter = changeFilter(request);
  const state = await store.branch(request.branch ?? MAIN).head();
  const view = viewOf(state);
  const types = exportedTypes(view, []).filter((type) => wantsType(filter, type));
  const { id, version } = state.head;
  const baseline: ChangeBaselineOutput = {
    snapshot_commit_id: id,
    resume_cursor: cursorAfter(store, state, filter, { id, version }),
  };
  return withLastLine(
    exportRecords(view, types, store.storage),
    stringifyJson({ baseline } as unknown as JsonValue),
  );
}

async function* withLastLine(records: AsyncIterable<Uint8Array>, line: string): AsyncIterable<Uint8Array> {
  yield* records;
  yield encodeUtf8(`${line}\n`);
}
