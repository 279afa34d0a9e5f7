// Blob cells of a graph that this process opened, in the words that a served one has for its failures.

import { blobFailure, externalBlob } from "../client/index.ts";
import type { BlobSelector, Graph } from "../engine/graph.ts";
import { type OmnigraphError, toOmnigraphError } from "../lib/errors.ts";
import type { GraphAccess } from "./access.ts";

export function directBlobs(graph: Graph): Pick<GraphAccess, "statBlob" | "readBlob"> {
  const open = async (selector: BlobSelector) => {
    try {
      return await graph.openBlob(selector);
    } catch (thrown) {
      throw inWords(thrown, selector);
    }
  };
  return {
    statBlob: open,
    readBlob: async (selector, range) => {
      const cell = await open(selector);
      if (cell.kind === "external") throw externalBlob(cell.uri, selector);
      return worded(selector, () => cell.read(range));
    },
  };
}

async function* worded(
  selector: BlobSelector,
  read: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* read();
  } catch (thrown) {
    throw inWords(thrown, selector);
  }
}

/** Who has the storage may know what is wrong with it. */
function inWords(thrown: unknown, selector: BlobSelector): OmnigraphError {
  const error = toOmnigraphError(thrown);
  const detail = error.kind === "internal" ? `: ${error.message}` : "";
  return blobFailure(error, error.status, selector, detail);
}
