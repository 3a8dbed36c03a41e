// The licence texts of the SPDX list, as the npm package spdx-license-list carries them: one document a licence.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const file = createRequire(import.meta.url).resolve("spdx-license-list/spdx-full.json");

export function sources() {
  return [file];
}

/** @param {(record: Readonly<Record<string, unknown>>) => Promise<void>} writeRecord */
export async function prepare(writeRecord) {
  const licenses = JSON.parse(await readFile(file, "utf8"));
  for (const key of Object.keys(licenses).sort()) {
    const { name, url, osiApproved, licenseText } = licenses[key];
    await writeRecord({
      id: `spdx-${key}`,
      text: licenseText,
      source: "spdx-licenses",
      name,
      url,
      osi_approved: osiApproved,
    });
  }
}
