// Blob cells: what is given becomes a reference, what is referred to is read.

export { openBlobCell } from "./cell.ts";
export { allWithBlobTexts, blobColumns, withBlobTexts } from "./export.ts";
export { BlobIntake, notABlob } from "./intake.ts";
export { externalPolicy } from "./policy.ts";
export { sourceProbe } from "./source.ts";
