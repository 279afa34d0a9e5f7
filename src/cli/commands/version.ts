import { SOURCE_VERSION, STORAGE_FORMAT_VERSION, VERSION } from "../../lib/version.ts";
import type { Context } from "../context.ts";
import { flagOn, type Invocation } from "../parse.ts";

export async function version(context: Context, invocation: Invocation): Promise<number> {
  if (flagOn(invocation, "json")) {
    await context.printJson({
      version: VERSION,
      internal_schema_version: STORAGE_FORMAT_VERSION,
      commit: SOURCE_VERSION,
      platform: `${process.platform}-${process.arch}`,
    });
  } else {
    await context.print(`omnigraph ${VERSION}`);
    await context.print(`internal-schema ${STORAGE_FORMAT_VERSION}`);
  }
  return 0;
}
