"""Prints the preimages of the golden code's fingerprints, under any Python from 3.10 on.

Run as a program by the oldest to the newest Python that is at hand. They lack radops' compiled
module and the libraries it needs, so another hash stands in for BLAKE3 here.
"""

from __future__ import annotations

import hashlib
import json
import sys
import types
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
RADOPS = HERE.parents[1] / "python" / "radops"


def package(name: str, path: Path) -> None:
    module = types.ModuleType(name)
    module.__path__ = [str(path)]
    module.__file__ = str(path / "__init__.py")
    sys.modules[name] = module


class Digest:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @classmethod
    def of(cls, data: bytes) -> Digest:
        return cls(hashlib.sha256(data).digest())


def file_creator(**_options: object) -> object:
    return lambda function: function


def main() -> None:
    for name in ("radops", "radops.data_lake", "radops.format"):
        package(name, RADOPS.joinpath(*name.split(".")[1:]))
    sys.modules["radops.format.digest"] = types.ModuleType("radops.format.digest")
    sys.modules["radops.format.digest"].Digest = Digest
    sys.modules["radops.data_lake"].file_creator = file_creator
    sys.modules["radops.data_lake"].File = object
    sys.path.insert(0, str(HERE))
    pipeline = import_module("golden_code.pipeline")
    helpers = import_module("golden_code.helpers")
    innermost = import_module("radops.provenance.identity").innermost
    trace = import_module("radops.provenance.trace")
    found = {}
    for function in (
        *(pipeline.process, pipeline.unicode_names, pipeline.add, pipeline.nested),
        *(helpers.clean, helpers.even, helpers.Child.run, helpers.Config.double.fget),
    ):
        tracer = trace.Tracer(innermost(function))
        preimage = tracer.preimage(function)
        found[function.__qualname__] = [preimage, list(tracer.notes)]
    json.dump(found, sys.stdout, default=bytes.hex, indent=1)


if __name__ == "__main__":
    main()
