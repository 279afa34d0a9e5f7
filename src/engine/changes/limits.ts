/** Changes of one page where the caller does not say. */
export const PAGE_CHANGES_DEFAULT = 1_000;
/** Changes that a caller may ask for in one page. */
export const PAGE_CHANGES_MAX = 8_192;
/** Bytes of JSON at which a page is full; one change that is larger is sent alone. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Commits that one page of the feed looks at, so that a long quiet stretch still answers soon. */
export const POLL_COMMITS_MAX = 128;
/** Commits that are opened side by side: enough to hide the latency of a store, few enough to hold in memory. */
export const OPENED_COMMITS_MAX = 32;
/** Entities whose former rows are looked up together. */
export const LOOKUP_ENTITIES = 512;
/** Characters of a token: it must fit into a request line. */
export const TOKEN_CHARACTERS_MAX = 4_096;
/** UTF-8 bytes of an entity id that a token carries as they are; a longer id is a prefix and a digest. */
export const TOKEN_ID_BYTES_MAX = 256;
/** Interrupted walks over large commits that a process keeps for the page that comes next. */
export const PAUSED_WALKS_MAX = 8;
