// Commands that address no graph.

import type { CommandSpec } from "../spec.ts";
import * as flag from "./flags.ts";

const credentialCommand = () => import("../commands/login.ts");
const profileCommand = () => import("../commands/profile.ts");

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export const login: CommandSpec = {
  name: "login",
  capability: "local",
  summary: "Store the token of a server",
  examples: ["omnigraph login harbor < token.txt"],
  positionals: [{ name: "NAME", help: "a key of servers: in the operator config", required: true }],
  flags: [{ name: "token", value: "TOKEN", help: "the token; without it, one line of stdin" }, flag.json],
  load: async () => (await credentialCommand()).login,
};

export const logout: CommandSpec = {
  name: "logout",
  capability: "local",
  summary: "Forget the token of a server",
  positionals: [{ name: "NAME", help: "a key of servers: in the operator config", required: true }],
  flags: [flag.json],
  load: async () => (await credentialCommand()).logout,
};

export const profile: CommandSpec = {
  name: "profile",
  capability: "local",
  summary: "Show the profiles of the operator config",
  subcommands: [
    {
      name: "list",
      label: "profile",
      capability: "local",
      summary: "List the profiles",
      flags: [flag.json],
      load: async () => (await profileCommand()).profileList,
    },
    {
      name: "show",
      label: "profile",
      capability: "local",
      summary: "Show what a profile resolves to",
      positionals: [{ name: "NAME", help: "a profile; without it, the active one or the defaults" }],
      flags: [flag.json],
      load: async () => (await profileCommand()).profileShow,
    },
  ],
};

export const completion: CommandSpec = {
  name: "completion",
  capability: "local",
  summary: "Print a completion script for a shell",
  examples: ["source <(omnigraph completion bash)"],
  positionals: [{ name: "SHELL", help: "the shell", required: true, choices: SHELLS }],
  load: async () => (await import("../commands/completion.ts")).completion,
};

export const healthcheck: CommandSpec = {
  name: "healthcheck",
  capability: "local",
  summary: "Ask a server whether it is up",
  flags: [
    {
      name: "url",
      value: "URL",
      help: "the server's base URL; without it, the port of OMNIGRAPH_BIND, else 8080, on this machine",
    },
    { name: "timeout", value: "DURATION", help: "how long to wait", fallback: "3s" },
  ],
  load: async () => (await import("../commands/healthcheck.ts")).healthcheck,
};

export const version: CommandSpec = {
  name: "version",
  capability: "local",
  summary: "Print the version and the storage format",
  flags: [flag.json],
  load: async () => (await import("../commands/version.ts")).version,
};
