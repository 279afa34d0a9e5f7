// How a type is named for good, whatever it is called.

import type { StableId } from "../../schema/catalog.ts";

/** Base-36 digits of a type id: enough for every 32-bit number, so that ids sort alike as texts and as numbers. */
const TYPE_ID_DIGITS = 7;

export const typeIdText = (id: StableId): string => id.toString(36).padStart(TYPE_ID_DIGITS, "0");
