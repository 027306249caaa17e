// What this program is made of, as its packages say.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export function versions() {
  const of = (name) => require(`./node_modules/${name}/package.json`).version;
  return { noir: of("@noir-lang/noir_js"), compiler: of("@noir-lang/noir_wasm"), barretenberg: of("@aztec/bb.js") };
}
