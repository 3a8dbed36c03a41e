"""Writes small Parquet and Arrow files and, in golden-tables.json, the rows that are to be read from them as JSON lines.

    python3 test/parity/make-tables-golden.py        (pyarrow 26)

The JSON forms of docs/formats/corpus.md are made here a second time, from Arrow's values.
"""
import datetime
import decimal
import json
import pathlib

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent / "tables"
FRACTION = {"s": 0, "ms": 3, "us": 6, "ns": 9}
EPOCH = datetime.date(1970, 1, 1)


class Absent(Exception):
    """The value has no JSON form."""


def clock(value, unit):
    per_second = 10 ** FRACTION[unit]
    seconds, fraction = divmod(value, per_second)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{fraction:0{FRACTION[unit]}}" if FRACTION[unit] else "")


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def form(scalar, kind):
    """JSON of an Arrow scalar."""
    if not scalar.is_valid:
        raise Absent
    if isinstance(kind, pa.DictionaryType):
        return form(scalar.as_py_scalar() if hasattr(scalar, "as_py_scalar") else scalar.value, kind.value_type)
    if pa.types.is_null(kind):
        raise Absent
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return json.dumps(scalar.as_py())
    if pa.types.is_floating(kind):
        value = float(scalar.as_py())
        if value != value or abs(value) == float("inf"):
            raise Absent
        return json.dumps(int(value) if value.is_integer() else value)
    if pa.types.is_decimal(kind):
        return format(scalar.as_py(), "f")
    if pa.types.is_date32(kind):
        return quoted(str(scalar.as_py()))
    if pa.types.is_time(kind):
        return quoted(clock(scalar.value, kind.unit))
    if pa.types.is_timestamp(kind):
        days, rest = divmod(scalar.value, 86400 * 10 ** FRACTION[kind.unit])
        return quoted(f"{EPOCH + datetime.timedelta(days=days)}T{clock(rest, kind.unit)}{'Z' if kind.tz else ''}")
    if pa.types.is_duration(kind):
        return json.dumps(scalar.value)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return quoted(scalar.as_py())
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind):
        import base64

        return quoted(base64.b64encode(scalar.as_py()).decode())
    if pa.types.is_struct(kind):
        return members((field.name, scalar[field.name], field.type) for field in kind)
    if pa.types.is_map(kind):
        entries = [(entry["key"], entry["value"]) for entry in scalar.values]
        if pa.types.is_string(kind.key_type):
            return "{" + ",".join(f"{form(k, kind.key_type)}:{element(v, kind.item_type)}" for k, v in entries) + "}"
        return "[" + ",".join(members([("key", k, kind.key_type), ("value", v, kind.item_type)]) for k, v in entries) + "]"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return "[" + ",".join(element(value, kind.value_type) for value in scalar.values) + "]"
    raise TypeError(kind)


def element(scalar, kind):
    try:
        return form(scalar, kind)
    except Absent:
        return "null"


def members(fields):
    found = []
    for name, scalar, kind in fields:
        try:
            found.append(f"{quoted(name)}:{form(scalar, kind)}")
        except Absent:
            pass
    return "{" + ",".join(found) + "}"


def rows(table):
    """All columns but id and text, which the reader takes out."""
    others = [field for field in table.schema if field.name not in ("id", "text")]
    return [members((f.name, table[f.name][i], f.type) for f in others) for i in range(table.num_rows)]


def texts(count):
    odd = ["", 'a "quoted", text\nof \\ two lines', "caf\u00e9 \u6f22\u5b57 \U0001f600", "\x00\x1f\x7f\u2028", "x" * 300]
    return [odd[i % len(odd)] + (f" {i}" if i % 3 else "") for i in range(count)]


def plain(count=40):
    return pa.table({"id": [f"d{i}" for i in range(count)], "text": texts(count), "n": pa.array(range(count), pa.int64()),
                     "lang": [["en", "de", None][i % 3] for i in range(count)]})


def numbers(count=40):
    """Columns for each encoding."""
    return pa.table({
        "id": [f"d{i}" for i in range(count)],
        "text": texts(count),
        "prefix": [f"https://example.org/{i // 7}/{i}" for i in range(count)],
        "i32": pa.array([(i * 7919) % 4001 - 2000 if i % 5 else None for i in range(count)], pa.int32()),
        "i64": pa.array([(-1) ** i * (2**61 // (i + 1)) for i in range(count)], pa.int64()),
        "f32": pa.array([i / 4 for i in range(count)], pa.float32()),
        "f64": pa.array([i / 8 if i % 4 else None for i in range(count)], pa.float64()),
        "b": pa.array([i % 3 == 0 if i % 7 else None for i in range(count)], pa.bool_()),
    })


def rich():
    dec = decimal.Decimal
    n = 8

    def some(values, kind):
        return pa.array([values[i % len(values)] for i in range(n)], kind)

    columns = {
        "id": some(["a", "b", "c", "d", "e", "f", "g", "h"], pa.string()),
        "text": pa.array(texts(n), pa.large_string()),
        "bool": some([True, None, False], pa.bool_()),
        "i8": some([-128, None, 127], pa.int8()),
        "u8": some([255, 0, None], pa.uint8()),
        "i16": some([-32768, 7], pa.int16()),
        "u16": some([65535], pa.uint16()),
        "u32": some([2**32 - 1, 0], pa.uint32()),
        "i64": some([-(2**63), 2**63 - 1, 2**53 + 1, None], pa.int64()),
        "u64": some([2**64 - 1, 1], pa.uint64()),
        "f16": some([1.5, -0.25, None, float("nan")], pa.float16()),
        "f32": some([0.5, float("inf"), -3.75], pa.float32()),
        "f64": some([0.1, float("nan"), None, -float("inf"), 123456.789], pa.float64()),
        "dec": some([dec("123.45"), dec("-0.01"), None, dec("0.00")], pa.decimal128(5, 2)),
        "wide": some([dec("12345678901234567890123456.7890123456"), dec("-1.0000000001")], pa.decimal128(38, 10)),
        "wider": some([dec("-" + "9" * 60), None], pa.decimal256(60, 0)),
        "date": some([datetime.date(1, 1, 1), datetime.date(1969, 12, 31), datetime.date(2024, 2, 29), None], pa.date32()),
        "t_ms": some([0, 86399999, None], pa.time32("ms")),
        "t_us": some([1, 86399999999], pa.time64("us")),
        "t_ns": some([123456789, None], pa.time64("ns")),
        "ts_ms": some([-1, 1700000000123, None], pa.timestamp("ms")),
        "ts_us": some([-62135596800000000, 1700000000123456], pa.timestamp("us", tz="UTC")),
        "ts_ns": some([1700000000123456789, -1], pa.timestamp("ns", tz="Europe/Berlin")),
        "took": some([5, None], pa.duration("us")),
        "bytes": some([b"\x00\xff", b"", None], pa.binary()),
        "four": some([b"abcd", None], pa.binary(4)),
        "list": some([[1, None, 3], [], None, [4]], pa.list_(pa.int32())),
        "deep": some([[["a", None], []], None, [None, ["b\n"]], []], pa.list_(pa.list_(pa.string()))),
        "pairs": some([[{"k": 1, "v": "x"}, {"k": None, "v": None}], [], None, [None]],
                      pa.list_(pa.struct([("k", pa.int64()), ("v", pa.string())]))),
        "meta": some([{"url": "https://x", "in": {"z": 1.5}}, {"url": None, "in": None}, None, {"url": "", "in": {"z": None}}],
                     pa.struct([("url", pa.string()), ("in", pa.struct([("z", pa.float64())]))])),
        "map": some([[("a", 1), ("b", None), ("a", 2)], [], None], pa.map_(pa.string(), pa.int32())),
        "codes": some([[(1, "one"), (2, None)], None], pa.map_(pa.int32(), pa.string())),
        "word": some(["red", None, "green"], pa.dictionary(pa.int8(), pa.string())),
        "nothing": pa.nulls(n),
        'odd "name"\u00e9.with.dots': some([1, None], pa.int32()),
    }
    return pa.table(columns)


def moments():
    """Timestamps as Hive, Impala and older versions of Spark store them: nanoseconds, no time zone."""
    moments = [0, -1, 1700000000123456789, None]
    return pa.table({"id": list("abcd"), "text": texts(4), "at": pa.array(moments, pa.timestamp("ns"))})


def main():
    FOLDER.mkdir(exist_ok=True)
    files, sets = {}, {}

    def parquet(name, table, kind, **options):
        pq.write_table(table, FOLDER / f"{name}.parquet", **options)
        files[f"{name}.parquet"] = kind

    def arrow(name, table, kind, stream=False, chunk=None, ending="arrow", **options):
        make = ipc.new_stream if stream else ipc.new_file
        with make(str(FOLDER / f"{name}.{ending}"), table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
            writer.write_table(table, max_chunksize=chunk)
        files[f"{name}.{ending}"] = kind

    for i, codec in enumerate(["none", "snappy", "gzip", "zstd", "lz4", "brotli"]):
        parquet(codec, plain(), "plain", compression=codec, data_page_version=["1.0", "2.0"][i % 2], row_group_size=17)
    encodings = {"text": "DELTA_LENGTH_BYTE_ARRAY", "prefix": "DELTA_BYTE_ARRAY", "i32": "DELTA_BINARY_PACKED",
                 "i64": "DELTA_BINARY_PACKED", "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT", "b": "RLE"}
    for version in ("1", "2"):
        pages = {"data_page_version": f"{version}.0", "compression": "snappy"}
        parquet(f"dictionary-v{version}", numbers(), "numbers", **pages)
        parquet(f"plain-v{version}", numbers(), "numbers", use_dictionary=False, **pages)
        parquet(f"delta-v{version}", numbers(), "numbers", use_dictionary=False, column_encoding=encodings, **pages)
    # Pages of a few values, so that rows of lists go on from page to page.
    parquet("rich-v1", rich(), "rich", data_page_size=1, write_batch_size=1, row_group_size=5, store_schema=False,
            data_page_version="1.0")
    parquet("rich-v2", rich(), "rich", use_compliant_nested_type=False, data_page_version="2.0")
    parquet("int96", moments(), "int96", use_deprecated_int96_timestamps=True, compression="none")

    arrow("file", plain(), "plain", chunk=7)
    arrow("stream", plain(), "plain", stream=True, chunk=7, ending="arrows")
    feather.write_feather(plain(), FOLDER / "feather.feather", compression="lz4", chunksize=17)
    files["feather.feather"] = "plain"
    views = plain().set_column(1, "text", plain()["text"].cast(pa.string_view()))
    arrow("views", views, "plain", chunk=17)
    arrow("rich", rich(), "rich", chunk=5)
    arrow("rich-zstd", rich(), "rich", compression="zstd")
    arrow("rich-lz4", rich(), "rich", stream=True, compression="lz4", ending="arrows")
    # A dictionary that grows from batch to batch, by what is new alone.
    words = plain()
    schema = words.schema.set(3, pa.field("lang", pa.dictionary(pa.int32(), pa.string())))
    with ipc.new_stream(str(FOLDER / "deltas.arrows"), schema,
                        options=ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as writer:
        known = []
        for start in range(0, words.num_rows, 1 if words.num_rows < 3 else 13):
            part = words.slice(start, 13)
            values = part["lang"].to_pylist()
            known += [value for value in dict.fromkeys(values) if value is not None and value not in known]
            lang = pa.DictionaryArray.from_arrays(
                pa.array([None if value is None else known.index(value) for value in values], pa.int32()), pa.array(known))
            columns = [part[name].combine_chunks() for name in ("id", "text", "n")] + [lang]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    files["deltas.arrows"] = "plain"

    for kind, table in {"plain": plain(), "numbers": numbers(), "rich": rich(), "int96": moments()}.items():
        sets[kind] = {"ids": table["id"].to_pylist(), "texts": table["text"].to_pylist(), "others": rows(table)}
    golden = pathlib.Path(__file__).parent / "golden-tables.json"
    golden.write_text(json.dumps({"pyarrow": pa.__version__, "files": files, "sets": sets}, indent=0) + "\n")


main()
