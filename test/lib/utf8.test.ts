import { describe, expect, it } from "bun:test";
import { lineOfBadUtf8 } from "../../src/lib/utf8.ts";

describe("the line of bytes that are not UTF-8", () => {
  it.each([
    ["\xff", 1],
    ["one\ntwo\n\xc3(\nfour\n", 3],
    ["one\n\ntwo\xe2\x82", 3],
    ["one\n\xed\xa0\x80\n\xff", 2],
  ])("%j is %d", (latin1, line) => {
    expect(lineOfBadUtf8(Buffer.from(latin1, "latin1"))).toBe(line);
  });
});
