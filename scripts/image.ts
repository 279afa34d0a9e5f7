// `npm run image`: the binary, its root file system under dist/image, and a container image made of nothing else.

import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build, REPOSITORY } from "./build.ts";
import { makeRoot, STATE } from "./rootfs.ts";

/** The build context: the root as a directory to look at, the same as an archive, and the Dockerfile. */
export const IMAGE_CONTEXT = join(REPOSITORY, "dist", "image");
/** The numeric user of the image: nobody's, with no name and no home. */
const USER = "65532";

type Environment = Readonly<Record<string, string | undefined>>;

/** Makes the build context from an executable. */
export function makeImageContext(binary: string, context = IMAGE_CONTEXT): void {
  rmSync(context, { recursive: true, force: true });
  const root = join(context, "root");
  mkdirSync(root, { recursive: true });
  makeRoot(root, binary);
  // An archive keeps owners where a copied directory would not: the state directory belongs to the image's user.
  const archive = join(context, "root.tar");
  tar("-cf", archive, "-C", root, "--owner=0", "--group=0", `--exclude=.${STATE}`, ".");
  tar("-rf", archive, "-C", root, `--owner=${USER}`, `--group=${USER}`, `.${STATE}`);
  cpSync(join(REPOSITORY, "Dockerfile"), join(context, "Dockerfile"));
}

/** Builds the image with the Docker that the environment names. */
export function buildImage(tag: string, context = IMAGE_CONTEXT, env: Environment = process.env): void {
  run(["docker", "build", "--tag", tag, context], env);
}

function tar(...words: string[]): void {
  run(["tar", "--numeric-owner", "--sort=name", ...words], process.env);
}

function run(words: string[], env: Environment): void {
  const done = Bun.spawnSync(words, { env: { ...env }, stdout: "ignore" });
  if (!done.success) throw new Error(`image: ${words.join(" ")} failed\n${done.stderr}`);
}

if (import.meta.main) {
  const tag = process.argv[2] ?? "omnigraph";
  makeImageContext(await build());
  console.log(`made ${IMAGE_CONTEXT}`);
  const command = `docker build --tag ${tag} ${IMAGE_CONTEXT}`;
  if (Bun.which("docker") !== null && Bun.spawnSync(["docker", "info"]).success) {
    buildImage(tag);
    console.log(`built the image ${tag}; run it with: docker run --rm ${tag} --cluster s3://bucket/prefix`);
  } else {
    console.error(`no Docker daemon answers here; where one does: ${command}`);
    process.exit(1);
  }
}
