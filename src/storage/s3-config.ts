// The AWS_* environment, read once and strictly: a setting that cannot be obeyed is refused, never ignored.

import { badRequest } from "../lib/errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Config {
  /** Without a trailing '/'; AWS's own for the region where none is set. */
  readonly endpoint: string;
  /** True for AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, false for AWS itself. */
  readonly isCustomEndpoint: boolean;
  readonly region: string;
  readonly forcePathStyle: boolean;
  /** Null: AWS's own chain (shared files, web identity, container, instance). */
  readonly credentials: S3Credentials | null;
}

const REGION_DEFAULT = "us-east-1";
const TRUE = new Set(["true", "1", "yes", "on"]);
const FALSE = new Set(["false", "0", "no", "off"]);

/** Reads the environment; throws 400 that names the variable. */
export function s3Config(env: Environment): S3Config {
  const region = text(env, "AWS_REGION") ?? text(env, "AWS_DEFAULT_REGION") ?? REGION_DEFAULT;
  const custom = customEndpoint(env);
  return {
    endpoint: custom ?? `https://s3.${region}.amazonaws.com`,
    isCustomEndpoint: custom !== null,
    region,
    forcePathStyle: flag(env, "AWS_S3_FORCE_PATH_STYLE") ?? custom !== null,
    credentials: credentials(env, custom),
  };
}

function customEndpoint(env: Environment): string | null {
  const name = text(env, "AWS_ENDPOINT_URL_S3") === null ? "AWS_ENDPOINT_URL" : "AWS_ENDPOINT_URL_S3";
  const given = text(env, name);
  if (given === null) return null;
  const url = URL.parse(given);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw badRequest(`${name} is not an http:// or https:// URL: '${given}'`);
  }
  if (url.protocol === "http:" && flag(env, "AWS_ALLOW_HTTP") !== true) {
    throw badRequest(
      `${name} is '${given}', which sends data unencrypted; use https://, or set AWS_ALLOW_HTTP=true to allow it`,
    );
  }
  return given.replace(/\/+$/, "");
}

function credentials(env: Environment, endpoint: string | null): S3Credentials | null {
  const accessKeyId = text(env, "AWS_ACCESS_KEY_ID");
  const secretAccessKey = text(env, "AWS_SECRET_ACCESS_KEY");
  const sessionToken = text(env, "AWS_SESSION_TOKEN");
  if (accessKeyId !== null && secretAccessKey !== null) {
    return { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) };
  }
  if (accessKeyId !== null || secretAccessKey !== null) {
    const missing = accessKeyId === null ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY";
    throw badRequest(`no S3 credentials: ${missing} is not set, although its counterpart is`);
  }
  if (endpoint === null) return null;
  throw badRequest(`no S3 credentials for ${endpoint}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`);
}

function flag(env: Environment, name: string): boolean | null {
  const value = text(env, name);
  if (value === null) return null;
  const lower = value.toLowerCase();
  if (TRUE.has(lower)) return true;
  if (FALSE.has(lower)) return false;
  throw badRequest(`${name} is '${value}'; expected true or false`);
}

/** A blank variable counts as unset. */
function text(env: Environment, name: string): string | null {
  const value = env[name]?.trim() ?? "";
  return value === "" ? null : value;
}
