import { afterEach, describe, expect, it } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mockVector } from "../../src/embedding/index.ts";
import { FakeProvider, openaiAnswer } from "../embedding/fake-provider.ts";
import { createWorld } from "./support.ts";

const MOCK = { env: { OMNIGRAPH_EMBEDDINGS_MOCK: "1" } };
const MANIFEST = `sources:   { raw_seed: ./in/papers.jsonl }
artifacts: { embedded_seed: ./out/papers.jsonl }
embeddings:
  model: of-no-effect
  dimension: 4
  types: { Paper: { target: vec, fields: [title, tags, pages, open, more] } }
`;
const EDGE = '{"edge":"Cites", "from":"p1","to":"p2"}';
const P1 = '{"type":"Paper","data":{"slug":"p1","title":"Tides","vec":[1,0,0,0]}}';
const P2 =
  '{"type":"Paper","data":{"slug":"p2","title":" Sea ","tags":["a"," ","b"],"pages":9007199254740993,"open":true,"more":{"x":1.0}}}';

const providers: FakeProvider[] = [];
afterEach(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.stop()));
});

function library(lines: readonly string[] = [P1, "", `  ${EDGE}  `, P2]) {
  const world = createWorld();
  mkdirSync(join(world.directory, "in"));
  world.file("in/papers.jsonl", lines.join("\n"));
  world.file("seed.yaml", MANIFEST);
  world.file(
    "spec.json",
    '{"dimension":4,"types":{"Paper":{"target":"vec","fields":["title"]}},"model":"x"}',
  );
  const written = () => readFileSync(join(world.directory, "out/papers.jsonl"), "utf8").trimEnd().split("\n");
  return { ...world, written };
}

const vectorOf = (line: string) => (JSON.parse(line) as { data: { vec?: number[] } }).data.vec;
const float32 = (vector: readonly number[] | undefined) => [...Float32Array.from(vector ?? [])];

describe("embed", () => {
  it("62: fills what is missing and leaves the rest as it stands", async () => {
    const { json, written } = library();
    expect(await json(["embed", "--seed", "seed.yaml", "--json"], MOCK)).toEqual({
      input: "in/papers.jsonl",
      output: "out/papers.jsonl",
      records: 3,
      selected_records: 2,
      embedded_records: 1,
      cleaned_records: 0,
      mode: "fill_missing",
      dimension: 4,
      model: "",
    });
    const [p1, edge, p2] = written();
    expect([p1, edge]).toEqual([P1, EDGE]);
    expect(p2).toStartWith(P2.slice(0, -2));
    const text = 'type: Paper\ntitle: Sea\ntags: a, b\npages: 9007199254740993\nopen: true\nmore: {"x":1.0}';
    expect(float32(vectorOf(p2))).toEqual([...mockVector(text, 4)]);
  });

  it("writes components with as few digits as tell them apart", async () => {
    const { run, written } = library([P2]);
    await run(["embed", "--seed", "seed.yaml"], MOCK);
    for (const component of vectorOf(written()[0]) ?? []) {
      expect(String(Math.abs(component)).replace(/^0\.0*/, "").length).toBeLessThanOrEqual(9);
    }
  });

  it("63: removes vectors without any key", async () => {
    const { json, written } = library([P1, P1.replace("p1", "p2")]);
    const summary = await json([
      "embed",
      "--seed",
      "seed.yaml",
      "--clean",
      "--select",
      "Paper:slug=p2",
      "--json",
    ]);
    expect(summary).toMatchObject({ cleaned_records: 1, selected_records: 1, mode: "clean", model: "" });
    expect(written()).toEqual([P1, '{"type":"Paper","data":{"slug":"p2","title":"Tides"}}']);
  });

  it("64: embeds anew what is selected, and only that", async () => {
    const { json, written } = library([P1.replace(',"vec":[1,0,0,0]', ""), P1.replace("p1", "p2")]);
    const words = ["embed", "--seed", "seed.yaml", "--select", "slug = p2", "--json"];
    expect(await json(words, MOCK)).toMatchObject({ mode: "reembed_selected", embedded_records: 1 });
    const [p1, p2] = written().map(vectorOf);
    expect(p1).toBeUndefined();
    expect(float32(p2)).toEqual([...mockVector("type: Paper\ntitle: Tides", 4)]);
    const all = await json(
      ["embed", "--seed", "seed.yaml", "--reembed-all", "--type", "Paper", "--json"],
      MOCK,
    );
    expect(all).toMatchObject({ mode: "reembed_all", embedded_records: 2 });
    const none = await json(
      ["embed", "--seed", "seed.yaml", "--reembed-all", "--type", "Note", "--json"],
      MOCK,
    );
    expect(none).toMatchObject({ selected_records: 0, embedded_records: 0 });
  });

  it("65: names the bad line and leaves the output as it was", async () => {
    const { run, directory, written } = library();
    await run(["embed", "--seed", "seed.yaml"], MOCK);
    const before = written();
    for (const [bad, message] of [
      ["{", "line 3 is not valid JSON"],
      ["[1]", "line 3 is not valid JSON"],
      ['{"type":"Paper"}', "line 3 is missing object field 'data'"],
    ]) {
      const { run: again, directory: other } = library([P1, "", bad]);
      const { code, stderr } = await again(["embed", "--seed", "seed.yaml"], MOCK);
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
      expect(existsSync(join(other, "out/papers.jsonl"))).toBe(false);
      expect(existsSync(join(other, "out/papers.jsonl.tmp"))).toBe(false);
    }
    expect(written()).toEqual(before);
    expect(existsSync(join(directory, "out/papers.jsonl.tmp"))).toBe(false);
  });

  it("takes input, output and spec by themselves", async () => {
    const { run, written } = library([P2]);
    const words = [
      "embed",
      "--input",
      "in/papers.jsonl",
      "--output",
      "out/papers.jsonl",
      "--spec",
      "spec.json",
    ];
    const { stdout } = await run(words, MOCK);
    expect(stdout).toBe(
      "embedded 1 records (selected 1, cleaned 0) from in/papers.jsonl -> out/papers.jsonl [fill_missing 4d]\n",
    );
    expect(float32(vectorOf(written()[0]))).toEqual([...mockVector("type: Paper\ntitle: Sea", 4)]);
  });

  it("asks the provider for documents", async () => {
    const provider = new FakeProvider(() => Response.json({ embedding: { values: [3, 0, 4, 0] } }));
    providers.push(provider);
    const { json, written } = library([P2]);
    const env = {
      OMNIGRAPH_EMBED_PROVIDER: "gemini",
      OMNIGRAPH_EMBED_BASE_URL: provider.url,
      OMNIGRAPH_EMBED_MODEL: "g-1",
      GEMINI_API_KEY: "k",
    };
    expect(await json(["embed", "--seed", "seed.yaml", "--json"], { env })).toMatchObject({ model: "g-1" });
    expect(vectorOf(written()[0])).toEqual([0.6, 0, 0.8, 0]);
    expect(provider.asked[0].body).toMatchObject({ taskType: "RETRIEVAL_DOCUMENT", outputDimensionality: 4 });
  });

  it("fails with the provider, and writes nothing", async () => {
    const provider = new FakeProvider(() => openaiAnswer([1]));
    providers.push(provider);
    const { run, directory } = library();
    const env = { OPENAI_API_KEY: "k", OMNIGRAPH_EMBED_BASE_URL: provider.url };
    const { code, stderr } = await run(["embed", "--seed", "seed.yaml"], { env });
    expect([code, stderr]).toEqual([1, expect.stringContaining("expected 4, got 1")]);
    expect(existsSync(join(directory, "out/papers.jsonl"))).toBe(false);
  });

  it("refuses what it cannot make sense of", async () => {
    const { run, file } = library();
    const refusals: [string[], number, string][] = [
      [["--seed", "seed.yaml"], 1, "OPENROUTER_API_KEY or OPENAI_API_KEY is required"],
      [[], 1, "--input is required when --seed is not provided"],
      [["--output", "x"], 1, "--input is required when --seed is not provided"],
      [["--input", "x"], 2, "--output"],
      [["--seed", "seed.yaml", "--spec", "spec.json"], 2, "--spec"],
      [["--seed", "seed.yaml", "--clean", "--reembed-all"], 2, "--reembed-all"],
      [["--seed", "seed.yaml", "--store", "g.omni"], 1, "--store"],
      [["--seed", "none.yaml"], 1, "no such file"],
      [
        ["--seed", "seed.yaml", "--clean", "--select", "slug"],
        1,
        "selector must be field=value or Type:field=value",
      ],
      [["--seed", "seed.yaml", "--clean", "--select", "Paper: =x"], 1, "selector field cannot be empty"],
    ];
    for (const [words, code, message] of refusals) {
      const outcome = await run(["embed", ...words]);
      expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(message)]);
    }
    const manifests: [string, string][] = [
      ["embeddings: {dimension: 4, types: {}}", "seed manifest is missing sources.raw_seed"],
      ["sources: {raw_seed: a.jsonl}", "seed manifest is missing embeddings"],
      [
        "sources: {raw_seed: none.jsonl}\nembeddings: {dimension: 4, types: {}}",
        "seed input does not exist: none.jsonl",
      ],
      [
        "sources: {raw_seed: a}\nembeddings: {dimension: 0, types: {}}",
        "dimension must be a positive integer",
      ],
      [
        "sources: {raw_seed: a}\nembeddings: {dimension: 4, types: {Paper: {fields: [a]}}}",
        "types.Paper.target",
      ],
      [
        "sources: {raw_seed: a}\nembeddings: {dimension: 4, types: {Paper: {target: v}}}",
        "types.Paper.fields",
      ],
    ];
    for (const [text, message] of manifests) {
      file("other.yaml", text);
      const { code, stderr } = await run(["embed", "--seed", "other.yaml", "--clean"]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    }
  });
});
