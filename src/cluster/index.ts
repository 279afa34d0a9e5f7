// The control plane: what a deployment should be (a folder), what it is (a ledger on storage), and the way from one to
// the other. Every command answers the object that `--json` prints; its `ok` decides the exit code.

export { type ApplyOptions, applyCluster } from "./apply.ts";
export type { Diagnostic } from "./diagnostics.ts";
export type { ExternalBlobBase, ExternalBlobPolicy } from "./external-blobs.ts";
export { importCluster } from "./import.ts";
export { planCluster } from "./plan.ts";
export {
  renderApply,
  renderForceUnlock,
  renderImport,
  renderPlan,
  renderStatus,
  renderValidate,
} from "./render.ts";
export { appliedGraphRoot, type ClusterStorage, resolveClusterStorage } from "./resolve.ts";
export {
  bindPolicies,
  notReadyText,
  type PolicyBindings,
  readServingSnapshot,
  type ServingGraph,
  type ServingPolicy,
  type ServingQuery,
  type ServingRead,
  type ServingSnapshot,
} from "./serving.ts";
export type { ClusterOptions } from "./session.ts";
export { clusterStatus } from "./status.ts";
export { forceUnlock } from "./unlock.ts";
export { validateCluster } from "./validate.ts";
