// Policy: a YAML bundle of grants -> Cedar -> one decide(). Imports nothing of omnigraph but lib.

export { actionRule, POLICY_ACTIONS, type PolicyAction, type PolicyKind, parseAction } from "./actions.ts";
export { actorCount, type PolicyBundle, parseBundle } from "./bundle.ts";
export type { PolicyScope } from "./compile.ts";
export {
  compileBundle,
  type Decision,
  enforce,
  type PolicyGate,
  type PolicyRequest,
  validateBundle,
} from "./gate.ts";
export { type PolicyTestCase, parsePolicyTests, runPolicyTests } from "./test-cases.ts";
