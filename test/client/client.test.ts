import { afterEach, describe, expect, it } from "bun:test";
import { type Connection, listGraphs, remoteGraph } from "../../src/client/index.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { type Asked, type FakeServer, fakeServer } from "../cli/support.ts";

const servers: FakeServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

function serve(answer: (asked: Asked) => Response | Promise<Response>): FakeServer {
  const server = fakeServer(answer);
  servers.push(server);
  return server;
}

const connect = (base: string, more: Partial<Connection> = {}): Connection => ({
  ports: systemPorts(),
  base,
  token: null,
  serverName: null,
  ...more,
});

async function failureOf(work: Promise<unknown>): Promise<OmnigraphError> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof OmnigraphError) return thrown;
    throw thrown;
  }
  throw new Error("the request succeeded");
}

const READ = {
  query_name: "q",
  target: { branch: "main", snapshot: null },
  row_count: 1,
  columns: ["n"],
  rows: [{ n: 1 }],
  graph_commit_id: "01C",
};

describe("a served graph", () => {
  it("is asked with one encoded segment for each name and encoded parameters", async () => {
    const server = serve(() => Response.json({ branches: [], commits: [], graph_branch: "x" }));
    const graph = remoteGraph(connect(server.url), "atlas");
    await graph.deleteBranch({ name: "etl/run 1", actor: null });
    await graph.commitPage({ branch: "a&b/c", limit: 2, cursor: "t=" });
    await graph.commit("01 C");
    await graph.snapshot({});
    expect(server.asked.map(({ method, target }) => `${method} ${target}`)).toEqual([
      "DELETE /graphs/atlas/branches/etl%2Frun%201",
      "GET /graphs/atlas/commits?branch=a%26b%2Fc&limit=2&cursor=t%3D",
      "GET /graphs/atlas/commits/01%20C",
      "GET /graphs/atlas/snapshot",
    ]);
  });

  it("answers rows with all digits of their integers", async () => {
    const server = serve(
      () =>
        new Response(JSON.stringify(READ).replace('"n":1', '"n":9223372036854775807'), {
          headers: { "Content-Type": "application/json" },
        }),
    );
    const result = await remoteGraph(connect(server.url), "a").query({
      source: "q",
      params: { big: 2n ** 63n },
    });
    expect(result.rows()).toEqual([{ n: 9223372036854775807n }]);
    expect(result.rowsJson()).toBe('[{"n":9223372036854775807}]');
    expect(result).toMatchObject({ queryName: "q", columns: ["n"], rowCount: 1, graphCommitId: "01C" });
    expect(server.asked[0].body).toBe('{"query":"q","params":{"big":9223372036854775808}}');
  });

  it("wraps rows that are no objects", async () => {
    const server = serve(() => Response.json({ ...READ, rows: [1, "x"], columns: undefined }));
    const result = await remoteGraph(connect(server.url), "a").query({ source: "q" });
    expect(result.rows()).toEqual([{ value: 1 }, { value: "x" }]);
  });

  it("sends a token as a bearer, and no header without one", async () => {
    const server = serve(() => Response.json({ graphs: [] }));
    await listGraphs(connect(server.url, { token: "t" }));
    await listGraphs(connect(server.url));
    expect(server.asked.map(({ headers }) => headers.get("Authorization"))).toEqual(["Bearer t", null]);
    expect(server.asked[0].headers.get("User-Agent")).toMatch(/^omnigraph\/\d/);
  });

  it("sends conditional writes to their own routes only", async () => {
    const server = serve(() => Response.json({ error: "nothing here", code: "not_found" }, { status: 404 }));
    const graph = remoteGraph(connect(server.url), "a");
    const first = await failureOf(graph.mutate({ source: "m", actor: null, ifCommit: "01C" }));
    await failureOf(graph.invokeMutation({ name: "rename", ifCommit: "01C" }));
    expect(first).toMatchObject({ kind: "not_found", message: "nothing here", exitCode: 1 });
    expect(
      server.asked.map(({ target, headers }) => [target, headers.get("Omnigraph-If-Graph-Commit")]),
    ).toEqual([
      ["/graphs/a/mutate/if-graph-commit", "01C"],
      ["/graphs/a/queries/rename/if-graph-commit", "01C"],
    ]);
  });

  it("streams a load as it is read", async () => {
    const output = { branch: "b", base_branch: "main", nodes: [], edges: [] };
    const server = serve(() => Response.json(output));
    const data = async function* () {
      yield encodeUtf8('{"type":"A"}\n');
      yield encodeUtf8('{"type":"B"}\n');
    };
    const load = { data, mode: "merge", branch: "b", from: "main", actor: null } as const;
    expect(await remoteGraph(connect(server.url), "a").load(load)).toMatchObject(output);
    expect(server.asked[0]).toMatchObject({
      method: "POST",
      target: "/graphs/a/load/ndjson?branch=b&mode=merge&from=main",
      body: '{"type":"A"}\n{"type":"B"}\n',
    });
    expect(server.asked[0].headers.get("Content-Type")).toBe("application/x-ndjson");
  });

  it("streams an export, and fails where it is cut off", async () => {
    const collect = async (url: string) => {
      let text = "";
      for await (const chunk of await remoteGraph(connect(url), "a").export({ branch: "main" })) {
        text += new TextDecoder().decode(chunk);
      }
      return text;
    };
    expect(await collect(serve(() => new Response("line\n")).url)).toBe("line\n");
    const torn = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket) => {
          // A chunked answer without its last chunk.
          socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        },
      },
    });
    const error = await failureOf(collect(`http://127.0.0.1:${torn.port}`));
    torn.stop(true);
    expect(error.message).toContain("was cut off");
  });
});

describe("an answer that is no success", () => {
  it("is thrown with the server's text, kind and details", async () => {
    const details = { precondition_failure: { expected: "01A", actual: "01B" } };
    const server = serve(() => Response.json({ error: "precondition failed", ...details }, { status: 412 }));
    const error = await failureOf(
      remoteGraph(connect(server.url), "a").mutate({ source: "m", actor: null, ifCommit: "01A" }),
    );
    expect(error).toMatchObject({ kind: "precondition_failed", exitCode: 4, details });
    expect(error.toEnvelope()).toEqual({ error: "precondition failed", ...details });
  });

  it.each([
    [400, "bad_request"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [409, "conflict"],
    [410, "gone"],
    [413, "too_large"],
    [500, "internal"],
    [418, "internal"],
  ])("%p is %p", async (status, kind) => {
    const server = serve(() => Response.json({ error: "no" }, { status }));
    const error = await failureOf(remoteGraph(connect(server.url), "a").query({ source: "q" }));
    expect([error.kind as string, error.message]).toEqual([kind, "no"]);
  });

  it("is quoted with its status where it is not ours", async () => {
    const server = serve(() => new Response("<html>gateway</html>", { status: 504 }));
    const error = await failureOf(remoteGraph(connect(server.url), "a").query({ source: "q" }));
    expect(error.message).toBe("server returned 504: <html>gateway</html>");
  });

  it("is refused where a success is not ours either", async () => {
    const server = serve(({ target }) =>
      target.includes("branches") ? Response.json({}) : new Response("hi"),
    );
    const graph = remoteGraph(connect(server.url), "a");
    expect((await failureOf(graph.schemaSource())).message).toBe("server returned 200: hi");
    expect((await failureOf(graph.branches())).message).toContain("lacks 'branches'");
  });

  it("hints to log in on 401 from a server with a name", async () => {
    const server = serve(() => Response.json({ error: "missing bearer token" }, { status: 401 }));
    const error = await failureOf(listGraphs(connect(server.url, { serverName: "harbor" })));
    expect(error.message).toContain("omnigraph login harbor");
    expect((await failureOf(listGraphs(connect(server.url)))).message).toBe("missing bearer token");
  });

  it("names the URL and the cause where there is no connection", async () => {
    const error = await failureOf(listGraphs(connect("http://127.0.0.1:1")));
    expect(error.message).toContain("could not reach http://127.0.0.1:1/graphs: ");
  });

  it("never follows a redirect with the token", async () => {
    const elsewhere = serve(() => Response.json({ graphs: [] }));
    const server = serve(() => Response.redirect(`${elsewhere.url}/graphs`, 302));
    const error = await failureOf(listGraphs(connect(server.url, { token: "secret" })));
    expect(error.message).toContain("server returned 302");
    expect(error.message).toContain(elsewhere.url);
    expect(elsewhere.asked).toEqual([]);
  });
});

describe("a server that is busy", () => {
  it("is asked again for reads, as it says when", async () => {
    let busy = 2;
    const server = serve(() =>
      busy-- > 0
        ? Response.json({ error: "busy" }, { status: 503, headers: { "Retry-After": "0" } })
        : Response.json({ graphs: [] }),
    );
    expect(await listGraphs(connect(server.url))).toEqual([]);
    expect(server.asked).toHaveLength(3);
  });

  it("is asked once for writes, and a bounded number of times for reads", async () => {
    const server = serve(() =>
      Response.json({ error: "busy" }, { status: 429, headers: { "Retry-After": "0" } }),
    );
    const graph = remoteGraph(connect(server.url), "a");
    await failureOf(graph.mutate({ source: "m", actor: null }));
    expect(server.asked).toHaveLength(1);
    expect(await failureOf(graph.branches())).toMatchObject({ kind: "too_many_requests" });
    expect(server.asked).toHaveLength(4);
  });
});
