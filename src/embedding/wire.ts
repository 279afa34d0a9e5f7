// The two shapes of requests that turn one text into one vector, and where the vector stands in their answers.

import { isJsonObject, type JsonObject, type JsonValue, jsonNumber, parseJson } from "../lib/json.ts";
import { SHOWN_ERROR_LENGTH_MAX } from "./limits.ts";
import type { EmbeddingConfig } from "./profile.ts";

/** What a vector is for: providers may embed a question otherwise than what answers it. */
export type EmbeddingRole = "query" | "document";

export interface WireRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

const TASK_TYPES: Readonly<Record<EmbeddingRole, string>> = {
  query: "RETRIEVAL_QUERY",
  document: "RETRIEVAL_DOCUMENT",
};

export function wireRequest(
  { wire, baseUrl, model, apiKey }: EmbeddingConfig,
  text: string,
  width: number,
  role: EmbeddingRole,
): WireRequest {
  if (wire === "gemini") {
    return {
      url: `${baseUrl}/models/${model}:embedContent`,
      headers: { "x-goog-api-key": apiKey },
      body: {
        model: `models/${model}`,
        content: { parts: [{ text }] },
        taskType: TASK_TYPES[role],
        outputDimensionality: width,
      },
    };
  }
  return {
    url: `${baseUrl}/embeddings`,
    headers: { Authorization: `Bearer ${apiKey}` },
    body: { model, input: [text], dimensions: width },
  };
}

/** The vector in the text of an answer. Throws an Error that says what is missing. */
export function vectorIn(wire: EmbeddingConfig["wire"], text: string): Float32Array<ArrayBuffer> {
  const answer = parseJson(text);
  const values = isJsonObject(answer)
    ? wire === "gemini"
      ? geminiValues(answer)
      : openaiValues(answer)
    : null;
  if (!Array.isArray(values)) throw new Error("no array of components");
  return Float32Array.from(values as readonly JsonValue[], (value) => {
    const number = jsonNumber(value);
    if (number === null) throw new Error("a component is no number");
    return number;
  });
}

/** Of the texts that were sent, there is only the one with index 0; a lone one may leave out its index. */
function openaiValues(answer: JsonObject): JsonValue | undefined {
  const { data } = answer;
  if (!Array.isArray(data)) throw new Error("no array 'data'");
  const items = (data as readonly JsonValue[]).filter(isJsonObject);
  const isLone = items.length === 1 && items[0].index === undefined;
  const first = isLone ? items[0] : items.find(({ index }) => index === 0);
  if (first === undefined) throw new MissingItem();
  return first.embedding;
}

/** An answer with everything but the vector. */
export class MissingItem extends Error {
  constructor() {
    super("embedding response missing data[0]");
  }
}

function geminiValues({ embedding }: JsonObject): JsonValue | undefined {
  return isJsonObject(embedding) ? embedding.values : undefined;
}

/** What a provider says of an error: its own words, else all that came. */
export function errorText(body: string): string {
  return wordsOf(body).slice(0, SHOWN_ERROR_LENGTH_MAX);
}

function wordsOf(body: string): string {
  try {
    const answer = parseJson(body);
    const error = isJsonObject(answer) ? answer.error : undefined;
    const message = isJsonObject(error) ? error.message : undefined;
    if (typeof message === "string" && message.trim() !== "") return message.trim();
  } catch {
    // No JSON: all that came.
  }
  return body.trim();
}
