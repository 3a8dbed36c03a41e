// Which columns a table has, for people who do not know it.
import type { TableFormat } from "../../records/block-reader.js";
import { encodingOf } from "../encoding.js";
import type { CorpusBytes } from "../stored-bytes.js";

/** What reads a kind of table is loaded when there is one. Empty: a CSV file without records. */
export async function tableColumns(table: CorpusBytes, format: TableFormat): Promise<readonly string[]> {
  if (format === "parquet") return (await import("./parquet-file.js")).parquetColumns(table);
  if (format === "arrow") return (await import("./arrow-file.js")).arrowColumns(table);
  const { encoding } = await encodingOf(table, table.encoding);
  const { csvColumns } = await import("./csv-file.js");
  return (await csvColumns({ ...table, format, ...(encoding === undefined ? {} : { encoding }) })) ?? [];
}
