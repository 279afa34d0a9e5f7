// `repair`: says precisely what of a graph is missing or damaged, makes derived data again when told to, and gives up what is
// lost when told to twice.

import type { EntityType } from "../../schema/catalog.ts";
import { changedAt, type Finding, type GraphStore, MAIN, type Severity } from "../../store/index.ts";
import type { CheckedDataset, Classification, RepairAction, RepairOutput } from "./outputs.ts";
import { typeKey, typesByKey } from "./types.ts";

export interface RepairRequest {
  /** Make derived data again; without it nothing is changed. */
  readonly confirm: boolean;
  /** Give up what is lost. */
  readonly force: boolean;
}

const CLASSES: Readonly<Record<Severity, Classification>> = {
  derived: "verified_maintenance",
  source: "suspicious",
  unreadable: "unverifiable",
};
/** From good to bad. */
const SEVERITIES: readonly Severity[] = ["derived", "source", "unreadable"];

export async function repair(store: GraphStore, request: RepairRequest): Promise<RepairOutput> {
  const { findings, catalog, failures, commits } = await store.repair(request);
  const canForce = findings.every(({ severity }) => severity !== "unreadable");
  const versions = await versionsOf(store);
  const datasets = typesByKey(catalog).map((type): CheckedDataset => {
    const own = findings.filter((finding) => finding.type === type.id || isOfAll(finding, catalog.typeById));
    const worst = SEVERITIES.findLast((severity) => own.some((finding) => finding.severity === severity));
    const action = actionOf(worst, request, failures.length > 0, canForce);
    return {
      type_key: typeKey(type),
      published_dataset_version: versions(type),
      classification: worst === undefined ? "no_drift" : CLASSES[worst],
      action,
      operations: own.map(({ text }) => text),
      error: action === "refused" ? (refusal(worst, request, canForce) ?? failures.join("; ")) : null,
    };
  });
  const published = commits.find(({ branch }) => branch === store.mainId);
  return { uri: store.storage.uri, ...request, graph_manifest_version: published?.version ?? null, datasets };
}

/** What is wrong with a type that is no more shows at every commit that still has it. */
const isOfAll = ({ type }: Finding, types: ReadonlyMap<number, EntityType>): boolean =>
  type === null || !types.has(type);

function actionOf(
  worst: Severity | undefined,
  { confirm, force }: RepairRequest,
  hasFailed: boolean,
  canForce: boolean,
): RepairAction {
  if (worst === undefined) return "no_op";
  if (!confirm) return "preview";
  if (worst === "derived") return hasFailed ? "refused" : "healed";
  return worst === "source" && force && canForce ? "forced" : "refused";
}

function refusal(worst: Severity | undefined, { force }: RepairRequest, canForce: boolean): string | null {
  if (worst === "unreadable") return "storage does not let it be read: mend that, then run again";
  if (worst !== "source") return null;
  if (!force) return "data is lost: --force --confirm brings the newest state back that can be read whole";
  return canForce ? null : "nothing is given up while storage does not let everything be read";
}

/** Version of the last commit that changed a type; 0 while main cannot be opened. */
async function versionsOf(store: GraphStore): Promise<(type: EntityType) => number> {
  try {
    const state = await store.branch(MAIN).head();
    return (type) => changedAt(state, type.id);
  } catch {
    return () => 0;
  }
}
