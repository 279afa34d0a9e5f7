// A change as it is sent: whole entities with the values that an export would show.

import type { EntityType } from "../../schema/catalog.ts";
import type { StorageAdapter } from "../../storage/adapter.ts";
import type { Row } from "../../store/types.ts";
import { withBlobTexts } from "../blob/index.ts";
import { exportValue } from "../export.ts";
import type { ChangeImage, EntityChange } from "../outputs.ts";
import type { RowChange } from "./row-changes.ts";
import { typeIdText } from "./type-id.ts";

/** Reads the Blobs that the images show. */
export async function entityChange(
  { type, id, op, before, after }: RowChange,
  storage: StorageAdapter,
): Promise<EntityChange> {
  return {
    kind: type.kind,
    type: { id: typeIdText(type.id), name: type.name },
    id,
    op,
    ...(before === null ? {} : { before: await imageOf(type, before, storage) }),
    ...(after === null ? {} : { after: await imageOf(type, after, storage) }),
  };
}

async function imageOf(type: EntityType, row: Row, storage: StorageAdapter): Promise<ChangeImage> {
  const { src, dst, values } = await withBlobTexts(row, type, storage);
  const properties = Object.fromEntries(
    type.properties.map(({ name }, column) => [name, exportValue(values[column])]),
  );
  return src === null || dst === null ? { properties } : { properties, endpoints: { from: src, to: dst } };
}
