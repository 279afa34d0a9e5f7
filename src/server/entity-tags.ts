// Conditional requests by entity tag (RFC 9110, section 13): what a header's tags say about the one that is current.

interface EntityTag {
  readonly isWeak: boolean;
  /** Quotes included. */
  readonly text: string;
}

const TAG = /[ \t]*(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)/y;

/** `If-Match`: strong comparison; a list that cannot be read names nothing. */
export function ifMatch(header: string | null, current: string): boolean {
  if (header === null) return true;
  if (header.trim() === "*") return true;
  return (parseTags(header) ?? []).some(({ isWeak, text }) => !isWeak && text === current);
}

/** `If-None-Match`: weak comparison; true where the condition holds, so that the answer has a body. */
export function ifNoneMatch(header: string | null, current: string): boolean {
  if (header === null) return true;
  if (header.trim() === "*") return false;
  return !(parseTags(header) ?? []).some(({ text }) => text === current);
}

/** `If-Range`: whether a range counts; only for exactly one strong tag, or without the header. */
export function ifRange(header: string | null, current: string): boolean {
  return header === null || header.trim() === current;
}

function parseTags(header: string): EntityTag[] | null {
  const tags: EntityTag[] = [];
  for (TAG.lastIndex = 0; TAG.lastIndex < header.length; ) {
    const match = TAG.exec(header);
    if (match === null) return null;
    tags.push({ isWeak: match[1] !== undefined, text: match[2] });
  }
  return tags;
}
