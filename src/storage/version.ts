import { sha256Hex } from "../lib/digest.ts";
import type { StoredObject, Version } from "./adapter.ts";

/** The version of an object where the store gives none: a digest of its bytes. */
export const contentVersion = (bytes: Uint8Array): Version => sha256Hex(bytes);

/** An object whose version is only computed when somebody asks: most readers do not. */
export class DigestedObject implements StoredObject {
  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {}

  get version(): Version {
    return contentVersion(this.bytes);
  }
}
