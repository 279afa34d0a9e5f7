// Where a cluster keeps things below its storage root.

const CLUSTER = "__cluster";

export const LEDGER_KEY = `${CLUSTER}/state.json`;
export const LOCK_KEY = `${CLUSTER}/lock.json`;
export const SIDECARS_PREFIX = `${CLUSTER}/recoveries/`;
export const APPROVALS_PREFIX = `${CLUSTER}/approvals/`;

/** A graph's root, without a trailing slash. */
export const graphRootKey = (graph: string): string => `graphs/${graph}.omni`;

export const queryBlobKey = (graph: string, name: string, digest: string): string =>
  `${CLUSTER}/resources/query/${graph}/${name}/${digest}.gq`;

export const policyBlobKey = (name: string, digest: string): string =>
  `${CLUSTER}/resources/policy/${name}/${digest}.yaml`;
