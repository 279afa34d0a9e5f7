// What the environment says about embedding: which provider, and how long to wait for it.

import { badRequest, OmnigraphError } from "../lib/errors.ts";
import { DEADLINE_MS, RETRY_ATTEMPTS, RETRY_BACKOFF_MS, TIMEOUT_MS } from "./limits.ts";
import {
  type EmbeddingConfig,
  environmentModel,
  type ProviderKind,
  providerDefaults,
  providerKind,
  unknownProvider,
} from "./profile.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the key of each provider is looked for, in order. */
const KEY_VARIABLES: Readonly<Record<Exclude<ProviderKind, "mock">, readonly string[]>> = {
  "openai-compatible": ["OPENROUTER_API_KEY", "OPENAI_API_KEY"],
  // A key of OpenRouter's is never sent to OpenAI.
  openai: ["OPENAI_API_KEY"],
  gemini: ["GEMINI_API_KEY"],
};

const TRUE_WORDS = new Set(["1", "true", "yes", "on"]);

export interface EnvironmentConfig {
  readonly config: EmbeddingConfig;
  /** The real provider that was named and is not used. */
  readonly overridden: ProviderKind | null;
}

/** The provider that the environment names. Throws where it names none that is known, or has no key for it. */
export function resolveEnvironment(env: Environment): EnvironmentConfig {
  const named = textOf(env, "OMNIGRAPH_EMBED_PROVIDER");
  const isMocked = TRUE_WORDS.has(textOf(env, "OMNIGRAPH_EMBEDDINGS_MOCK").toLowerCase());
  const kind = named === "" ? "openai-compatible" : providerKind(named);
  if (isMocked || kind === "mock") {
    const overridden = named === "" || kind === "mock" ? null : kind;
    const model = environmentModel(env);
    return { config: { provider: "mock", wire: "mock", model, baseUrl: "", apiKey: "" }, overridden };
  }
  if (kind === null) throw new OmnigraphError("internal", unknownProvider(named));
  const variables = KEY_VARIABLES[kind];
  const apiKey = variables.map((variable) => textOf(env, variable)).find((key) => key !== "");
  if (apiKey === undefined) {
    throw badRequest(`${variables.join(" or ")} is required for embedding provider '${kind}'`);
  }
  const defaults = providerDefaults(kind);
  const baseUrl = textOf(env, "OMNIGRAPH_EMBED_BASE_URL") || defaults.baseUrl;
  return {
    config: {
      provider: kind,
      wire: defaults.wire,
      model: environmentModel(env) || defaults.model,
      baseUrl: baseUrl.replace(/\/+$/, ""),
      apiKey,
    },
    overridden: null,
  };
}

/** How long to wait, and how often to try. */
export interface Patience {
  /** Of one call, all attempts and waits; null for no end. */
  readonly deadlineMs: number | null;
  /** Of one request. */
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backoffMs: number;
}

/** Values that are no whole numbers count as not given. */
export function readPatience(env: Environment): Patience {
  const deadlineMs = wholeNumber(env, "OMNIGRAPH_EMBED_DEADLINE_MS") ?? DEADLINE_MS;
  return {
    deadlineMs: deadlineMs === 0 ? null : deadlineMs,
    timeoutMs: wholeNumber(env, "OMNIGRAPH_EMBED_TIMEOUT_MS") || TIMEOUT_MS,
    attempts: wholeNumber(env, "OMNIGRAPH_EMBED_RETRY_ATTEMPTS") || RETRY_ATTEMPTS,
    backoffMs: wholeNumber(env, "OMNIGRAPH_EMBED_RETRY_BACKOFF_MS") || RETRY_BACKOFF_MS,
  };
}

const textOf = (env: Environment, name: string): string => env[name]?.trim() ?? "";

function wholeNumber(env: Environment, name: string): number | null {
  const text = textOf(env, name);
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : null;
}
