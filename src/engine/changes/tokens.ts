// Cursors and page tokens: where a caller stands, in the caller's own hands. A token says what it may be used for, so that
// one that belongs elsewhere is refused with the reason, and carries a checksum, so that a damaged one is never followed.

import { assert } from "../../lib/assert.ts";
import { sha256Hex } from "../../lib/digest.ts";
import { badRequest, type OmnigraphError } from "../../lib/errors.ts";
import { encodeUtf8, tryDecodeUtf8 } from "../../lib/utf8.ts";
import type { BranchRef } from "../../store/types.ts";
import type { EntityChange } from "../outputs.ts";
import type { ChangeFilter } from "./filter.ts";
import { TOKEN_CHARACTERS_MAX, TOKEN_ID_BYTES_MAX } from "./limits.ts";

/** A commit and its place on a first-parent chain. */
export interface ChainPoint {
  readonly id: string;
  readonly version: number;
}

/** The last change that was sent of a commit. */
export interface SentChange {
  readonly kind: "node" | "edge";
  readonly typeId: string;
  /** The entity's id, or as much of it as a token carries. */
  readonly id: string;
  /** Of the whole id, where `id` is only its beginning. */
  readonly idDigest: string | null;
}

/** Goes on within a commit's changes. */
export interface CommitPageToken {
  readonly kind: "commit page token";
  readonly graph: string;
  readonly filter: string;
  readonly commit: string;
  readonly sent: SentChange;
}

interface BranchBinding {
  readonly graph: string;
  /** Digest of the branch's name. */
  readonly branch: string;
  /** This incarnation of the name. */
  readonly incarnation: string;
}

interface FeedBinding extends BranchBinding {
  readonly filter: string;
}

/** Goes on below a commit in the list of a branch's commits. */
export interface CommitListCursor extends BranchBinding {
  readonly kind: "commit list cursor";
  readonly after: ChainPoint;
}

/** Goes on after a commit. */
export interface FeedCursor extends FeedBinding {
  readonly kind: "feed cursor";
  readonly after: ChainPoint;
}

/** Goes on within a commit, up to the head that the poll saw first. */
export interface FeedPageToken extends FeedBinding {
  readonly kind: "feed page token";
  readonly block: ChainPoint;
  readonly cut: ChainPoint;
  readonly sent: SentChange;
}

export type Token = CommitListCursor | CommitPageToken | FeedCursor | FeedPageToken;
type TokenKind = Token["kind"];
type TokenOf<K extends TokenKind> = Extract<Token, { readonly kind: K }>;

/** Members of a payload: whoever can compute a checksum can write any payload, which must not reach the walk. */
type Members = { readonly [name: string]: "string" | "string or null" | "number" | Members };
const POINT: Members = { id: "string", version: "number" };
const SENT: Members = { kind: "string", typeId: "string", id: "string", idDigest: "string or null" };
const BRANCH: Members = { graph: "string", branch: "string", incarnation: "string" };
const BINDING: Members = { ...BRANCH, filter: "string" };
const MEMBERS: Readonly<Record<TokenKind, Members>> = {
  "commit list cursor": { ...BRANCH, after: POINT },
  "commit page token": { graph: "string", filter: "string", commit: "string", sent: SENT },
  "feed cursor": { ...BINDING, after: POINT },
  "feed page token": { ...BINDING, block: POINT, cut: POINT, sent: SENT },
};

/** Raised when the payload changes, so that older tokens are refused rather than misread. */
const TOKEN_VERSION = 1;
/** Hex digits of digests inside tokens: they tell things apart, and resist accidents, not adversaries. */
const DIGEST_DIGITS = 32;
const CHECKSUM_DIGITS = 16;

export const shortDigest = (text: string): string => sha256Hex(text).slice(0, DIGEST_DIGITS);

/** 400, with the prefix that clients match on. */
export const cursorRejected = (reason: string): OmnigraphError =>
  badRequest(`change cursor rejected: ${reason}`);

/** What a token for this branch is bound to. */
export const branchBinding = (graph: string, ref: BranchRef): BranchBinding => ({
  graph: shortDigest(graph),
  branch: shortDigest(ref.name),
  incarnation: ref.id,
});

/** What a token for this branch and these filters is bound to. */
export const feedBinding = (graph: string, ref: BranchRef, filter: ChangeFilter): FeedBinding => ({
  ...branchBinding(graph, ref),
  filter: shortDigest(filter.digest),
});

/** What a token for a commit and these filters is bound to. */
export const commitBinding = (graph: string, commit: string, filter: ChangeFilter) => ({
  graph: shortDigest(graph),
  filter: shortDigest(filter.digest),
  commit,
});

/** Where a page ended. */
export function lastSent(changes: readonly EntityChange[]): SentChange {
  const last = changes.at(-1);
  assert(last !== undefined, "a page that is not the last one holds a change");
  return sentChange(last.kind, last.type.id, last.id);
}

/** An id too long for a token is told by its beginning and its digest. */
function sentChange(kind: "node" | "edge", typeId: string, id: string): SentChange {
  const bytes = encodeUtf8(id);
  if (bytes.length <= TOKEN_ID_BYTES_MAX) return { kind, typeId, id, idDigest: null };
  let end = TOKEN_ID_BYTES_MAX;
  // Not within a character: a byte 10xxxxxx goes on with the one before it.
  while ((bytes[end] & 0xc0) === 0x80) end--;
  const beginning = tryDecodeUtf8(bytes.subarray(0, end)) ?? "";
  return { kind, typeId, id: beginning, idDigest: shortDigest(id) };
}

/** Whether a change is the one that was sent last. */
export function isSent(sent: SentChange, id: string): boolean {
  return sent.idDigest === null ? id === sent.id : shortDigest(id) === sent.idDigest;
}

/** The text of a token: letters, digits, `-` and `_`. */
export function printToken(token: Token): string {
  const payload = JSON.stringify(token);
  const text = Buffer.from(`${TOKEN_VERSION}${checksumOf(payload)}${payload}`).toString("base64url");
  assert(text.length <= TOKEN_CHARACTERS_MAX, `a token has ${TOKEN_CHARACTERS_MAX} characters at most`);
  return text;
}

/** Reads a token of one kind. Throws 400 for anything else. */
export function readToken<K extends TokenKind>(kind: K, text: string): TokenOf<K> {
  const token = decode(text);
  if (token.kind !== kind) throw cursorRejected(`expected a ${kind}, found a ${token.kind}`);
  return token as TokenOf<K>;
}

function decode(text: string): Token {
  if (text.length > TOKEN_CHARACTERS_MAX) {
    throw cursorRejected(`its encoding is longer than ${TOKEN_CHARACTERS_MAX} characters`);
  }
  const bytes = /^[A-Za-z0-9_-]+$/.test(text) ? Buffer.from(text, "base64url") : Buffer.alloc(0);
  const decoded = tryDecodeUtf8(bytes);
  const payload = decoded?.slice(1 + CHECKSUM_DIGITS) ?? "";
  const isWhole =
    decoded !== null &&
    bytes.toString("base64url") === text &&
    decoded.slice(1, 1 + CHECKSUM_DIGITS) === checksumOf(payload);
  if (!isWhole) throw cursorRejected("its encoding is damaged");
  if (decoded[0] !== String(TOKEN_VERSION)) {
    throw cursorRejected(`its encoding has version ${decoded[0]}, this build reads ${TOKEN_VERSION}`);
  }
  const token = JSON.parse(payload) as Partial<Token>;
  const members = token.kind === undefined ? undefined : MEMBERS[token.kind];
  if (members === undefined || !hasMembers(token, members)) throw cursorRejected("its encoding is damaged");
  return token as Token;
}

function hasMembers(value: unknown, members: Members): boolean {
  if (typeof value !== "object" || value === null) return false;
  const found = value as Readonly<Record<string, unknown>>;
  return Object.entries(members).every(([name, expected]) => {
    const member = found[name];
    if (expected === "number") return Number.isSafeInteger(member);
    if (typeof expected === "object") return hasMembers(member, expected);
    return typeof member === "string" || (member === null && expected === "string or null");
  });
}

const checksumOf = (payload: string) => sha256Hex(`${TOKEN_VERSION}${payload}`).slice(0, CHECKSUM_DIGITS);

/** Throws 400 where a token was made for another graph, branch, incarnation or filter. */
export function requireBinding(token: FeedBinding, wanted: FeedBinding): void {
  requireBranchBinding(token, wanted);
  requireFilter(token, wanted);
}

/** The same for a token that no filter concerns. */
export function requireBranchBinding(token: BranchBinding, wanted: BranchBinding): void {
  requireGraph(token, wanted);
  if (token.branch !== wanted.branch) throw cursorRejected("it was made for a different branch");
  if (token.incarnation !== wanted.incarnation) {
    throw cursorRejected(
      "it was made for a different branch incarnation: the branch was deleted and created again",
    );
  }
}

/** The same for a token of one commit's changes. */
export function requireCommitBinding(
  token: CommitPageToken,
  wanted: Pick<CommitPageToken, "graph" | "filter" | "commit">,
): void {
  requireGraph(token, wanted);
  if (token.commit !== wanted.commit) throw cursorRejected("it was made for a different commit");
  requireFilter(token, wanted);
}

function requireGraph(token: { readonly graph: string }, wanted: { readonly graph: string }): void {
  if (token.graph !== wanted.graph) throw cursorRejected("it does not belong to this graph");
}

function requireFilter(token: { readonly filter: string }, wanted: { readonly filter: string }): void {
  if (token.filter !== wanted.filter) throw cursorRejected("it was made for a different filter scope");
}
