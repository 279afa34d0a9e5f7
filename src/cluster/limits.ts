/** Catalog blobs read or written side by side: enough to hide a bucket's latency, few enough to be polite to it. */
export const BLOBS_IN_FLIGHT_MAX = 16;
