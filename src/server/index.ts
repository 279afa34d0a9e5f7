// The HTTP server of a cluster: boot it, serve it, stop it.

export { type RunningServer, runServer, type ServerOptions, type ServerOutput, startServer } from "./run.ts";
