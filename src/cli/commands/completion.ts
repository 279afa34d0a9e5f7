import { completionScript, type Shell } from "../completion.ts";
import type { Context } from "../context.ts";
import type { Invocation } from "../parse.ts";
import { ROOT } from "../table/index.ts";

export async function completion(context: Context, invocation: Invocation): Promise<number> {
  // The parser has checked the word against the same list.
  await context.io.stdout.write(completionScript(ROOT, invocation.positionals[0] as Shell));
  return 0;
}
