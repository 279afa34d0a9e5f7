// Embedding: text -> vector. Providers as clusters declare them and as the environment names them, the client that asks
// them, and the provider that needs no network.

export { type EmbeddingClient, type EmbeddingEvent, embeddingClient } from "./client.ts";
export { type EmbedJob, type EmbedMode, readJob, readSelector } from "./job.ts";
export { mockVector } from "./mock.ts";
export {
  type EmbeddingConfig,
  type EmbeddingProfile,
  MODEL_VARIABLE,
  type ProfileFault,
  type ProviderKind,
  profileFaults,
  resolveProfile,
} from "./profile.ts";
export { type RecordCounts, RecordEmbedder } from "./records.ts";
export { resolveEnvironment } from "./settings.ts";
export type { EmbeddingRole } from "./wire.ts";
