// Every ceiling of the server, in one place.

/** Bytes of a request body, where the route sets no other limit (spec 04 §6). */
export const BODY_BYTES_MAX = 1_048_576;

/** Bytes of an NDJSON load, declared or read: what one request may hold in memory on its way to segments. */
export const LOAD_BODY_BYTES_MAX = 33_554_432;

/** Exports that run at once in the whole server; each may hold its queue in memory. */
export const EXPORT_STREAMS_MAX = 8;

/** Milliseconds that one more export waits for a stream to end before it is refused. */
export const EXPORT_WAIT_MS = 250;

/** Bytes that one export may have queued; eight of them are the transport budget. */
export const EXPORT_STREAM_BYTES = 262_144;

/** Concurrent writes of one actor, unless OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX says otherwise. */
export const ACTOR_INFLIGHT_MAX = 16;

/** Bytes in flight of one actor, unless OMNIGRAPH_PER_ACTOR_BYTES_MAX says otherwise (4 GiB). */
export const ACTOR_BYTES_MAX = 4_294_967_296;

/** What a write without a body of its own (branches) counts for in the byte budget. */
export const SMALL_WRITE_BYTES = 256;

/** Seconds that a caller over its admission cap is told to wait. */
export const ADMISSION_RETRY_AFTER_S = 60;

/** Bytes of a Blob from which on its file is sent by the kernel, where there is one, rather than held in memory. */
export const SENT_FILE_BYTES_MIN = 1_048_576;

/** Graphs opened side by side at boot: enough to hide latency, few enough not to flood the store. */
export const OPENING_GRAPHS_MAX = 4;

/** Characters of a graph id (decision 1). */
export const GRAPH_ID_LENGTH_MAX = 64;

/** Milliseconds for which log lines gather before they are written in one piece. */
export const LOG_FLUSH_MS = 50;

/** Characters of gathered log lines that are written without waiting. */
export const LOG_BUFFER_CHARACTERS = 65_536;

/** Milliseconds that OMNIGRAPH_QUERY_TIMEOUT_MS may give a query at most (a day): more is a mistake in the unit. */
export const QUERY_TIMEOUT_MS_MAX = 86_400_000;

/**
 * Milliseconds that a server which was told to stop waits for requests in flight, unless OMNIGRAPH_DRAIN_TIMEOUT_MS says
 * otherwise: within the 30 s after which an orchestrator kills.
 */
export const DRAIN_MS_MAX = 25_000;

/** Milliseconds that OMNIGRAPH_DRAIN_TIMEOUT_MS may give at most (a day): more is a mistake in the unit. */
export const DRAIN_TIMEOUT_MS_MAX = 86_400_000;
