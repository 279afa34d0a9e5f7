// The frame of an encapsulated Arrow message: continuation mark, length of the metadata, metadata, body.

const CONTINUATION = 0xffffffff;
const PREFIX_BYTES = 8;

export interface MessageFrame {
  readonly metadata: Uint8Array;
  /** Where the body begins. */
  readonly metadataEnd: number;
}

/** The frame of the message that begins at `offset`; null where there is none. */
export function messageAt(bytes: Uint8Array, offset: number): MessageFrame | null {
  if (offset + PREFIX_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getInt32(offset + 4, true);
  const metadataEnd = offset + PREFIX_BYTES + length;
  if (view.getUint32(offset, true) !== CONTINUATION || length <= 0 || metadataEnd > bytes.length) return null;
  return { metadata: bytes.subarray(offset + PREFIX_BYTES, metadataEnd), metadataEnd };
}
