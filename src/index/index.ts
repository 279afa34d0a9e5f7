// Derived state: the resident form of a graph's types and what is computed from them.

export type { Adjacency, BaseAdjacency, Incidence } from "./adjacency.ts";
export { type BaseTable, firstAtOrAfter } from "./base-table.ts";
export { compareText, compareToBytes } from "./columns.ts";
export type { Place } from "./delta.ts";
export type { Dictionary } from "./dictionary.ts";
export type { EdgeTable } from "./edge-table.ts";
export type { GraphView } from "./graph-view.ts";
export { ImageCache, type ImageCacheOptions } from "./image-cache.ts";
export type { Direction, Neighbours } from "./neighbours.ts";
export type { NodeTable } from "./node-table.ts";
export { isWholeKey, propertyAt, type Table } from "./table.ts";
export { queryTokens } from "./text/analyze.ts";
export type { Scorer } from "./text/scorer.ts";
export { profileAt } from "./text/text-delta.ts";
export type { TextSearch } from "./text/text-search.ts";
export type { KeyText } from "./unique-index.ts";
export type { FieldId } from "./values/column-indexes.ts";
export { FOUND_ROW_COST } from "./values/limits.ts";
export { hashRank, textRank } from "./values/rank.ts";
export type { ValueIndex } from "./values/value-index.ts";
export type { RankRange } from "./values/zone-map.ts";
export { squaredDistance } from "./vector/distance.ts";
export type { EdgeNumber, EdgeReader, NodeNumber, NodeReader, View } from "./view.ts";
