"""What the generators of tables of characters share: two-stage tables (two_stage_table.h) and C++ arrays."""


def two_stage(values, block_size):
    """Which block stands where, and the blocks: equal ones are stored once."""
    blocks = [tuple(values[begin : begin + block_size]) for begin in range(0, len(values), block_size)]
    distinct = list(dict.fromkeys(blocks))
    number_of = {block: number for number, block in enumerate(distinct)}
    return [number_of[block] for block in blocks], [value for block in distinct for value in block]


def print_array(ctype, name, values):
    if ctype == "uint8_t" and max(values) > 255:
        raise SystemExit("expected at most 256 different values in %s, got %d" % (name, max(values) + 1))
    print("const %s %s[%d] = {" % (ctype, name, len(values)))
    line = "    "
    for value in values:
        item = "%s," % value
        if len(line) + len(item) > 120:
            print(line)
            line = "    "
        line += item
    print("%s\n};\n" % line)
