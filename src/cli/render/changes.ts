// Blocks of entity changes as they come in, page by page: for people, or as one JSON document in which a block that was
// split over pages is whole again.

import type { ChangeBlock, ChangeCause, ChangeImage, EntityChange } from "../../engine/outputs.ts";
import { OmnigraphError } from "../../lib/errors.ts";
import { type JsonValue, stringifyJson } from "../../lib/json.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import { member, memberStart, OpenArray } from "./open-document.ts";

/** Turns pages into text. What is asked for ends with `end`; a failure before leaves what was printed. */
export interface BlockPrinter {
  /** The first block of a page goes on with the last one of the page before where `continues` says so. */
  page(blocks: readonly ChangeBlock[], continues: boolean): string;
  /** `rest`: the members that end the document. */
  end(rest: Readonly<Record<string, string | boolean>>): string;
}

/** Refuses a continuation that tells of something else than the block it continues. */
export function requireSameCause(first: ChangeCause | undefined, next: ChangeCause | undefined): void {
  if (textOf(first) === textOf(next)) return;
  throw new OmnigraphError(
    "internal",
    "the next page tells of another commit than the page that it continues",
  );
}

const textOf = (value: unknown): string => stringifyJson((value ?? null) as JsonValue);
const jsonOf = (value: object): JsonValue => value as unknown as JsonValue;

/** `{cause, changes, …}`. */
export function commitJson(): BlockPrinter {
  const changes = new OpenArray("  ");
  return {
    page: ([block], continues) => {
      if (block === undefined) return "";
      const start = continues
        ? ""
        : `{\n${member("", "cause", jsonOf(block.cause))},\n${memberStart("", "changes")}`;
      return start + changes.items(block.changes.map(jsonOf));
    },
    end: (rest) => `${changes.end()}${membersAfter(rest)}\n}\n`,
  };
}

/** `{blocks: [{cause, changes}], …}`. */
export function feedJson(): BlockPrinter {
  const blocks = new OpenArray("  ");
  const indent = "    ";
  let changes: OpenArray | null = null;
  let isBegun = false;

  const close = () => (changes === null ? "" : `${changes.end()}\n${indent}}`);
  return {
    page: (page, continues) => {
      let text = isBegun ? "" : `{\n${memberStart("", "blocks")}`;
      isBegun = true;
      for (const [i, block] of page.entries()) {
        if (changes === null || i > 0 || !continues) {
          const cause = member(indent, "cause", jsonOf(block.cause));
          text += `${close()}${blocks.separator()}{\n${cause},\n${memberStart(indent, "changes")}`;
          changes = new OpenArray(`${indent}  `);
        }
        text += changes.items(block.changes.map(jsonOf));
      }
      return text;
    },
    end: (rest) => `${close()}${blocks.end()}${membersAfter(rest)}\n}\n`,
  };
}

const membersAfter = (rest: Readonly<Record<string, string | boolean>>): string =>
  Object.entries(rest)
    .map(([name, value]) => `,\n${member("", name, value)}`)
    .join("");

/** For people: blocks with an empty line between them. */
export function blocksForPeople(): BlockPrinter {
  let isBegun = false;
  return {
    page: (page, continues) =>
      page
        .map((block, i) => {
          const isNew = i > 0 || !continues;
          const gap = isNew && isBegun ? "\n" : "";
          isBegun = true;
          const lines = [...(isNew ? causeLines(block.cause) : []), ...block.changes.flatMap(changeLines)];
          return gap + lines.map((line) => `${line}\n`).join("");
        })
        .join(""),
    end: (rest) =>
      Object.entries(rest)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join(""),
  };
}

function causeLines(cause: ChangeCause): string[] {
  const shown: readonly (readonly [string, string | number | undefined])[] = [
    ["commit", cause.graph_commit_id],
    ["branch", cause.authored_branch],
    ["parent", cause.parent_commit_id],
    ["merged_parent", cause.merged_parent_commit_id],
    ["actor", cause.actor_id],
    ["authored_at", cause.authored_at],
  ];
  return shown.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
}

function changeLines({ op, kind, type, id, before, after }: EntityChange): string[] {
  return [
    `${op} ${kind} ${type.name} ${id}`,
    ...endpointLines(before, after),
    ...(op === "update"
      ? updatedLines(before, after)
      : wholeLines(op === "insert" ? "+" : "-", after ?? before)),
  ];
}

function endpointLines(before: ChangeImage | undefined, after: ChangeImage | undefined): string[] {
  const [old, now] = [before, after].map((image) =>
    image?.endpoints === undefined ? null : `${image.endpoints.from} -> ${image.endpoints.to}`,
  );
  const places = [...new Set([old, now])].filter((place) => place !== null);
  return places.length === 0 ? [] : [`  ${places.join(" => ")}`];
}

function wholeLines(mark: string, image: ChangeImage | undefined): string[] {
  const entries = Object.entries(image?.properties ?? {}).sort(([a], [b]) => compareUtf8(a, b));
  return entries.map(([key, value]) => `  ${mark} ${key}: ${shown(value)}`);
}

function updatedLines(before: ChangeImage | undefined, after: ChangeImage | undefined): string[] {
  const [old, now] = [before?.properties ?? {}, after?.properties ?? {}];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort(compareUtf8);
  return keys
    .filter((key) => textOf(old[key]) !== textOf(now[key]) || key in old !== key in now)
    .map((key) => `  ${key}: ${shown(old[key])} -> ${shown(now[key])}`);
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return "<absent>";
  if (value === null) return "<null>";
  return typeof value === "string" ? value : stringifyJson(value);
}
