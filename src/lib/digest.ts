/** Lower-case hex SHA-256 of bytes or of the UTF-8 bytes of a text. */
export function sha256Hex(data: Uint8Array | string): string {
  return new Bun.CryptoHasher("sha256").update(data).digest("hex");
}
