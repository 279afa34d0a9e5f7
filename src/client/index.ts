// The HTTP client: graphs that a server keeps, behind the same shapes that the engine answers with.

export { blobFailure, externalBlob } from "./blob-errors.ts";
export { type Connection, fetchHealth, listGraphs, type ServedGraph } from "./connection.ts";
export { type RemoteGraph, remoteGraph, type StoredInvocation } from "./graph.ts";
