// The HTTP server of a cluster: boot it, serve it, stop it.

export { type RunningServer, runServer, type ServerIo, type ServerOptions, startServer } from "./run.ts";
