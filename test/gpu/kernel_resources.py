"""Registers, stack (spills and local arrays) and static shared memory of every kernel in a CUDA build, by family.

    kernel_resources.py CUOBJDUMP FILE...      FILE: objects or a program of a build with MILLRACE_CUDA=ON

Instances of a kernel's template are one row; the figures are the least and the largest of them.
"""

import re
import subprocess
import sys

FUNCTION = re.compile(r"Function (\S+):")
USAGE = re.compile(r"REG:(\d+) STACK:(\d+) SHARED:(\d+)")


def demangled(names):
    text = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    return text.strip().split("\n")


def family(name):
    """`layernorm_forward_kernel` of `void millrace::cuda::(anonymous namespace)::layernorm_forward_kernel<float, 4>(...)`."""
    name = re.sub(r"\(anonymous namespace\)::", "", name)
    found = re.search(r"([A-Za-z_0-9]+)(<|\()", name.removeprefix("void ").replace("millrace::cuda::", "").replace("millrace::", ""))
    return found.group(1) if found else name


def main():
    cuobjdump, files = sys.argv[1], sys.argv[2:]
    kernels = []
    for path in files:
        lines = subprocess.run([cuobjdump, "--dump-resource-usage", path], capture_output=True, text=True).stdout.split("\n")
        for line, following in zip(lines, lines[1:]):
            function, usage = FUNCTION.search(line), USAGE.search(following)
            if function and usage:
                kernels.append((function.group(1), tuple(map(int, usage.groups()))))
    if not kernels:
        sys.exit("expected device code in the files, found none")
    rows = {}
    for name, (_, usage) in zip(demangled([name for name, _ in kernels]), kernels):
        rows.setdefault(family(name), []).append(usage)
    print("| kernel | instances | registers | stack bytes | static shared bytes |\n|---|---|---|---|---|")
    for name, usages in sorted(rows.items()):
        spans = [(min(values), max(values)) for values in zip(*usages)]
        cells = [str(low) if low == high else f"{low} to {high}" for low, high in spans]
        print(f"| `{name}` | {len(usages)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
