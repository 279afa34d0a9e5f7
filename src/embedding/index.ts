// Embedding: text -> vector. Profiles as clusters declare them, and the provider that needs no network.

export { mockVector } from "./mock.ts";
export {
  type EmbeddingConfig,
  type EmbeddingProfile,
  type ProfileFault,
  type ProviderKind,
  profileFaults,
  resolveProfile,
} from "./profile.ts";
