// Blob values on their way into a commit. A cell gets its reference at once; the bytes behind it, and the questions about
// external objects, wait until the write has nothing else wrong with it (or holds too much), and are done before it is
// published. One intake serves all attempts of a write, so nothing is uploaded or asked twice, but what grew old.

import { sha256Hex } from "../../lib/digest.ts";
import { badRequest, tooLarge } from "../../lib/errors.ts";
import { type ExternalUri, formatExternalUri } from "../../lib/external-uri.ts";
import type { Ports } from "../../lib/ports.ts";
import type { StorageAdapter } from "../../storage/index.ts";
import { blobKey, inParallel, managedBlob, Unpublished } from "../../store/index.ts";
import { HELD_BYTES_MAX, INPUT_BYTES_MAX, PROBES_IN_FLIGHT_MAX, REQUESTS_IN_FLIGHT_MAX } from "./limits.ts";
import type { ExternalPolicy } from "./policy.ts";
import type { SourceProbe } from "./source.ts";

export interface IntakeContext {
  readonly storage: StorageAdapter;
  readonly ports: Ports;
  readonly policy: ExternalPolicy;
  readonly probe: SourceProbe;
}

interface Upload {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

const MANAGED_PREFIX = "base64:";

export class BlobIntake {
  private held: Upload[] = [];
  private heldBytes = 0;
  /** Digests that are held or uploaded. */
  private readonly digests = new Set<string>();
  /** What is stored for each external URI, by its spelling in the input. */
  private readonly externals = new Map<string, string>();
  private readonly toProbe = new Map<string, ExternalUri>();
  private readonly probed = new Set<string>();
  private readonly unpublished: Unpublished;

  constructor(private readonly context: IntakeContext) {
    const { storage, ports } = context;
    this.unpublished = new Unpublished({ objects: { storage }, ports });
  }

  /** What the cell of a value stores. Throws for a text that names no Blob, or none that may be referred to. */
  accept(property: string, text: string): string {
    if (text === "") throw notABlob(property, "an empty string");
    return text.startsWith(MANAGED_PREFIX) ? this.managed(property, text) : this.external(text);
  }

  /** Uploads what is held once it is much, and keeps cleanup from what was; asked between the chunks of a long input. */
  async room(): Promise<void> {
    if (this.heldBytes >= HELD_BYTES_MAX) await this.upload();
    await this.unpublished.renew();
  }

  /** After this, everything that was accepted is there. Throws 424 for an external object that is not. */
  async finish(): Promise<void> {
    await inParallel([...this.toProbe], PROBES_IN_FLIGHT_MAX, async ([uri, place]) => {
      await this.context.probe(place);
      this.toProbe.delete(uri);
      this.probed.add(uri);
    });
    await this.upload();
    await this.unpublished.renew();
  }

  private managed(property: string, text: string): string {
    const bytes = decodeBase64(property, text.slice(MANAGED_PREFIX.length));
    const digest = sha256Hex(bytes);
    if (!this.digests.has(digest)) {
      this.digests.add(digest);
      this.held.push({ digest, bytes });
      this.heldBytes += bytes.length;
    }
    return managedBlob(digest, bytes.length);
  }

  private external(text: string): string {
    const known = this.externals.get(text);
    if (known !== undefined) return known;
    const place = this.context.policy(text);
    const uri = formatExternalUri(place);
    this.externals.set(text, uri);
    if (!this.probed.has(uri)) this.toProbe.set(uri, place);
    return uri;
  }

  private async upload(): Promise<void> {
    const uploads = this.held;
    this.held = [];
    this.heldBytes = 0;
    // An object that is there already is written again: a young one is safe from a cleanup that runs beside this write.
    await inParallel(uploads, REQUESTS_IN_FLIGHT_MAX, async ({ digest, bytes }) => {
      const key = blobKey(digest);
      await this.context.storage.put(key, bytes);
      this.unpublished.note(key);
    });
  }
}

/** 400 for a JSON value that is no text. */
export function notABlob(property: string, found: string): Error {
  return badRequest(
    `blob property '${property}' must be a URI string or base64: prefixed data, got ${found}`,
  );
}

const BASE64_CHARACTERS_PER_GROUP = 4;
const BYTES_PER_GROUP = 3;

function decodeBase64(property: string, text: string): Uint8Array {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const size = (text.length / BASE64_CHARACTERS_PER_GROUP) * BYTES_PER_GROUP - padding;
  if (size > INPUT_BYTES_MAX) {
    throw tooLarge("decoded blob input bytes", INPUT_BYTES_MAX, Math.ceil(size));
  }
  const invalid = () => badRequest(`blob property '${property}': invalid base64 blob data`);
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    throw invalid();
  }
  // White space is skipped by the decoder, and shows in the length.
  if (bytes.length !== size) throw invalid();
  return bytes;
}
