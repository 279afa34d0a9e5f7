// An HTTP/1.1 client that costs next to nothing: prepared requests written to a socket that is kept, answers measured by
// their Content-Length and not looked into. A client that cost more would be measured instead of the server.

export interface Answer {
  /** The body, in the pieces it came in. */
  readonly body: readonly Uint8Array[];
}

/** One connection that asks one thing after the other. */
export interface Connection {
  /** Sends a prepared request and waits for its whole answer; anything but 200 is an error. */
  ask(request: Uint8Array): Promise<Answer>;
  close(): void;
}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  /** Head not complete yet, or null. */
  head: Buffer | null;
  bytesLeft: number;
  status: number;
  body: Uint8Array[];
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** A POST with a JSON body, ready to be written. */
export function prepared(path: string, body: unknown): Uint8Array {
  const json = Buffer.from(JSON.stringify(body));
  const head =
    `POST ${path} HTTP/1.1\r\nHost: bench\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), json]);
}

export function textOf({ body }: Answer): string {
  return Buffer.concat(body).toString();
}

export async function connect(hostname: string, port: number): Promise<Connection> {
  let pending: Pending | null = null;
  const fail = (error: Error) => {
    pending?.reject(error);
    pending = null;
  };
  const socket = await Bun.connect({
    hostname,
    port,
    socket: {
      // Bun may use the chunk's memory again for the next one.
      data: (_, chunk) => {
        if (pending !== null && receive(pending, Buffer.from(chunk))) finish();
      },
      close: () => fail(new Error("the server closed the connection before its answer was complete")),
      error: (_, error) => fail(error),
    },
  });
  const finish = () => {
    const { resolve, reject, status, body } = pending as Pending;
    pending = null;
    if (status === 200) resolve({ body });
    else reject(new Error(`HTTP ${status}: ${textOf({ body })}`));
  };
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (pending !== null) throw new Error("a connection asks one thing at a time");
        pending = { resolve, reject, head: Buffer.alloc(0), bytesLeft: 0, status: 0, body: [] };
        if (socket.write(request) !== request.length) {
          fail(new Error(`a request of ${request.length} bytes did not fit into the socket's buffer`));
        }
      }),
    close: () => socket.end(),
  };
}

/** Takes what arrived; true when the answer is complete. */
function receive(pending: Pending, chunk: Buffer): boolean {
  if (pending.head === null) return receiveBody(pending, chunk);
  const head = pending.head.length === 0 ? chunk : Buffer.concat([pending.head, chunk]);
  const end = head.indexOf(HEAD_END);
  if (end < 0) {
    pending.head = head;
    return false;
  }
  const text = head.toString("latin1", 0, end);
  pending.status = Number(text.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length:\n${text}`);
  pending.bytesLeft = Number(length);
  pending.head = null;
  return receiveBody(pending, head.subarray(end + HEAD_END.length));
}

function receiveBody(pending: Pending, chunk: Uint8Array): boolean {
  if (chunk.length > 0) pending.body.push(chunk);
  pending.bytesLeft -= chunk.length;
  return pending.bytesLeft === 0;
}
