// Bundles that the tests of the HTTP surface bind.

export const TOKENS = {
  "act-maya": "maya-token",
  "act-oleg": "oleg-token",
  "act-zed": "zed-token",
} as const;

export const MAYA = TOKENS["act-maya"];
export const OLEG = TOKENS["act-oleg"];
/** In no group of any bundle. */
export const ZED = TOKENS["act-zed"];

interface Rule {
  readonly group: "curators" | "stewards";
  readonly actions: readonly string[];
  readonly scope?: string;
}

/** A bundle in which maya is a curator and a steward, oleg a curator. */
export function bundle(rules: readonly Rule[], protectedBranches: readonly string[] = ["main"]): string {
  const lines = rules.map(
    ({ group, actions, scope }, index) =>
      `  - id: rule-${index}\n    allow: { actors: { group: ${group} }, actions: [${actions.join(", ")}]` +
      `${scope === undefined ? "" : `, ${scope}`} }`,
  );
  return [
    "version: 1",
    "groups:",
    "  curators: [act-maya, act-oleg]",
    "  stewards: [act-maya]",
    `protected_branches: [${protectedBranches.join(", ")}]`,
    `rules:${lines.length === 0 ? " []" : ""}`,
    ...lines,
  ].join("\n");
}
