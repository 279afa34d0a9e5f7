// The smallest root file system that the binary runs in: what the image is made of, and what the chroot test enters.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { rootCertificates } from "node:tls";

/** The only shared libraries that the executable may need, by name without version. */
const LIBRARIES = ["libc", "libpthread", "libdl", "libm"];
const LOADER = /^ld-linux.*\.so\.\d+$/;

/** Where programs stand, inside the root. */
export const PROGRAMS = "/usr/local/bin";
/** The working directory, the one place that is written to. */
export const STATE = "/var/lib/omnigraph";

/** Makes the root in a directory that does not exist yet (or is empty). Needs no rights of its own. */
export function makeRoot(directory: string, binary: string): void {
  const place = (path: string) => {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    return target;
  };
  const program = place(`${PROGRAMS}/omnigraph`);
  copyFileSync(binary, program);
  chmodSync(program, 0o755);
  symlinkSync("omnigraph", place(`${PROGRAMS}/omnigraph-server`));
  for (const library of sharedLibraries(binary)) {
    const target = place(library);
    copyFileSync(realpathSync(library), target);
    chmodSync(target, 0o755);
  }
  writeFileSync(place("/etc/ssl/certs/ca-certificates.crt"), `${rootCertificates.join("\n")}\n`);
  mkdirSync(join(directory, STATE), { recursive: true });
}

/** Paths of the shared libraries that the executable names; a new dependency is an error, not a surprise in production. */
function sharedLibraries(binary: string): readonly string[] {
  const listed = Bun.spawnSync(["ldd", binary]);
  if (!listed.success) throw new Error(`rootfs: ldd ${binary} failed: ${listed.stderr}`);
  const paths = [...listed.stdout.toString().matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path);
  for (const path of paths) {
    const name = basename(path);
    const known = LOADER.test(name) || LIBRARIES.some((library) => name.startsWith(`${library}.so`));
    if (!known || !existsSync(path))
      throw new Error(`rootfs: the executable needs ${path}, which it should not`);
  }
  return paths;
}
