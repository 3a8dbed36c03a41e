// What every op costs, in every table of this build: the cases that the op tests check, at the sizes of a GPT-2 layer.
import { rounds, run, spread } from "./compare.mjs";

export function ops() {
  const title = "ops at the sizes of gpt2-124m, 256 rows, one thread";
  const rows = new Map();
  let tables = [];
  for (let round = 0; round < rounds; round += 1) {
    const [header, ...lines] = run("build/release/op-speed", ["1"]).trim().split("\n");
    tables = header.split("\t").slice(1);
    for (const line of lines) {
      const [name, ...milliseconds] = line.split("\t");
      if (!rows.has(name)) rows.set(name, []);
      rows.get(name).push(milliseconds.map(Number));
    }
  }
  const figures = [...rows].map(([name, measured]) => ({
    name,
    ...Object.fromEntries(tables.map((table, i) => [table, spread(measured.map((of) => of[i]))])),
  }));
  console.log(`\n${title}, milliseconds, least of ${rounds} rounds\n`);
  console.log(`| op | ${tables.join(" | ")} |\n|${"---|".repeat(tables.length + 1)}`);
  for (const row of figures) {
    console.log(`| ${row.name} | ${tables.map((table) => row[table].min.toFixed(3)).join(" | ")} |`);
  }
  return [{ title, unit: "milliseconds", rows: figures }];
}
