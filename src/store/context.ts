// What the parts of an open graph share.

import { sha256Hex } from "../lib/digest.ts";
import type { Ports } from "../lib/ports.ts";
import { tryDecodeUtf8 } from "../lib/utf8.ts";
import type { Catalog } from "../schema/catalog.ts";
import type { GraphRecord } from "./graph-record.ts";
import { schemaKey } from "./layout.ts";
import type { Objects } from "./objects.ts";
import { damaged } from "./stored-json.ts";

export interface GraphContext {
  readonly objects: Objects;
  readonly ports: Ports;
  readonly graph: GraphRecord;
  readonly readStalenessMs: number;
  /** The catalog of an accepted schema. */
  readonly catalogOf: (digest: string) => Promise<Catalog>;
  /** Spares reading back a schema that this process wrote. */
  readonly keepCatalog: (digest: string, catalog: Catalog) => void;
}

/** Reads accepted-schema objects. */
export function catalogReader(
  objects: Objects,
  decodeSchema: (accepted: string) => Catalog,
): (digest: string) => Promise<Catalog> {
  return async (digest) => {
    const key = schemaKey(digest);
    const catalog = await objects.read(key, (bytes, address) => {
      const text = tryDecodeUtf8(bytes);
      if (text === null || sha256Hex(bytes) !== digest)
        throw damaged(address, "its content is not what its name says");
      return decodeSchema(text);
    });
    if (catalog === null) throw damaged(objects.address(key), "the accepted schema is missing");
    return catalog;
  };
}
