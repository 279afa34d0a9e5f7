// Embedding providers as a cluster declares them: which words are allowed, what is assumed where one is left out, and
// how a declared profile becomes the settings of a client. Keys are references to environment variables, never values.

import { OmnigraphError } from "../lib/errors.ts";

/** As declared and as kept in the ledger; `api_key` is a `${NAME}` reference. */
export interface EmbeddingProfile {
  readonly kind?: string;
  readonly base_url?: string;
  readonly model?: string;
  readonly api_key?: string;
}

export type ProviderKind = "openai-compatible" | "openai" | "gemini" | "mock";

/** Everything a client needs. `wire` is the shape of the requests; a mock sends none. */
export interface EmbeddingConfig {
  readonly provider: ProviderKind;
  readonly wire: "openai" | "gemini" | "mock";
  readonly model: string;
  /** Without a trailing slash; empty for a mock. */
  readonly baseUrl: string;
  /** Empty for a mock. */
  readonly apiKey: string;
}

interface ProviderDefaults {
  readonly wire: EmbeddingConfig["wire"];
  readonly baseUrl: string;
  readonly model: string;
}

const PROVIDERS: Readonly<Record<ProviderKind, ProviderDefaults>> = {
  "openai-compatible": {
    wire: "openai",
    baseUrl: "https://openrouter.ai/api/v1",
    model: "openai/text-embedding-3-large",
  },
  openai: { wire: "openai", baseUrl: "https://api.openai.com/v1", model: "text-embedding-3-large" },
  gemini: {
    wire: "gemini",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    model: "gemini-embedding-2",
  },
  mock: { wire: "mock", baseUrl: "", model: "" },
};

const DEFAULT_KIND: ProviderKind = "openai-compatible";
const KEY_REFERENCE = /^\$\{([^{}]*)\}$/;
/** Also what to change where a stored vector and a query would be of different models. */
export const MODEL_VARIABLE = "OMNIGRAPH_EMBED_MODEL";

/** What is wrong with a declared profile; `field` where it is one key's fault. */
export interface ProfileFault {
  readonly code: "invalid_embedding_provider" | "embedding_api_key_inline" | "embedding_api_key_required";
  readonly field: "api_key" | null;
  readonly message: string;
}

/** The kind of this name, or null. */
export const providerKind = (name: string): ProviderKind | null => {
  const kinds = Object.keys(PROVIDERS) as ProviderKind[];
  return kinds.find((kind) => kind === name) ?? null;
};

export const unknownProvider = (name: string): string =>
  `unknown embedding provider '${name}' (expected ${Object.keys(PROVIDERS).join("|")})`;

export const providerDefaults = (kind: ProviderKind): ProviderDefaults => PROVIDERS[kind];

/** The model that the environment names; empty where it names none. */
export const environmentModel = (env: Readonly<Record<string, string | undefined>>): string =>
  env[MODEL_VARIABLE]?.trim() ?? "";

/** The variable that a `${NAME}` reference names, or null for any other text. */
export function keyVariable(reference: string): string | null {
  const name = KEY_REFERENCE.exec(reference.trim())?.[1]?.trim() ?? "";
  return name === "" ? null : name;
}

/** Checks a profile without reading the environment. Never quotes a key that stands in it. */
export function profileFaults(profile: EmbeddingProfile): readonly ProfileFault[] {
  const faults: ProfileFault[] = [];
  const kind = providerKind(profile.kind ?? DEFAULT_KIND);
  if (kind === null) {
    faults.push({
      code: "invalid_embedding_provider",
      field: null,
      message: unknownProvider(profile.kind ?? DEFAULT_KIND),
    });
  }
  if (profile.api_key !== undefined) {
    if (keyVariable(profile.api_key) === null) {
      faults.push({
        code: "embedding_api_key_inline",
        field: "api_key",
        message: `api_key must be a reference of the form \${NAME} to an environment variable, never a key itself`,
      });
    }
  } else if (kind !== null && kind !== "mock") {
    faults.push({
      code: "embedding_api_key_required",
      field: "api_key",
      message: `embedding provider kind '${kind}' needs an api_key of the form \${NAME}`,
    });
  }
  return faults;
}

/** The settings of a client for a declared profile. Throws `internal` naming what cannot be resolved. */
export function resolveProfile(
  profile: EmbeddingProfile,
  env: Readonly<Record<string, string | undefined>>,
): EmbeddingConfig {
  const kind = providerKind(profile.kind ?? DEFAULT_KIND);
  if (kind === null) throw new OmnigraphError("internal", unknownProvider(profile.kind ?? DEFAULT_KIND));
  const defaults = PROVIDERS[kind];
  if (kind === "mock") {
    const model = profile.model ?? environmentModel(env);
    return { provider: kind, wire: defaults.wire, model, baseUrl: "", apiKey: "" };
  }
  const fault = profileFaults(profile)[0];
  if (fault !== undefined) throw new OmnigraphError("internal", fault.message);
  const variable = keyVariable(profile.api_key ?? "") ?? "";
  const apiKey = env[variable]?.trim() ?? "";
  if (apiKey === "") {
    throw new OmnigraphError("internal", `embedding api_key env var '${variable}' is not set`);
  }
  return {
    provider: kind,
    wire: defaults.wire,
    model: profile.model ?? defaults.model,
    baseUrl: (profile.base_url ?? defaults.baseUrl).replace(/\/+$/, ""),
    apiKey,
  };
}
