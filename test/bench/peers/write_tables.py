"""The documents of a file of JSON lines as Parquet and Arrow files: write_tables.py LINES FOLDER. Needs pyarrow."""
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

lines, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
with open(lines, encoding="utf-8") as file:
    documents = [json.loads(line) for line in file]
table = pa.table({name: [document[name] for document in documents] for name in ("id", "text")})
for codec in ("none", "snappy", "zstd"):
    pq.write_table(table, folder / f"{codec}.parquet", compression=codec, row_group_size=20_000)
for codec in (None, "lz4"):
    options = ipc.IpcWriteOptions(compression=codec)
    with ipc.new_file(str(folder / f"{codec or 'none'}.arrow"), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=5_000)
