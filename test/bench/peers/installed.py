# The peers that both dedup benches know, by name: the module that a Python needs for each, and which ones this Python has.
import importlib.util

MODULES = {
    "datatrove": "datatrove",
    "datatrove-tuned": "datatrove",
    "text-dedup": "text_dedup",
    "datasketch": "datasketch",
    "datasketch-tuned": "datasketch",
    "rensa": "rensa",
    "rensa-c": "rensa",
    "rensa-rho": "rensa",
    "gaoya": "gaoya",
    "fastsketch": "FastSketchLSH",
}
HERE = [name for name, module in MODULES.items() if importlib.util.find_spec(module)]


def function_of(name, namespace):
    """The function that `namespace` calls by the peer's name."""
    return namespace[name.replace("-", "_")]
