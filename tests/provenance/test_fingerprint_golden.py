"""Fingerprints are parts of keys: golden values, the same under every version of Python."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from radops.provenance.fingerprint import fingerprint

HERE = Path(__file__).parent


GOLDEN = json.loads((HERE / "golden_code" / "fingerprints.json").read_text())


def golden_functions():
    sys.path.insert(0, str(HERE))
    try:
        pipeline = importlib.import_module("golden_code.pipeline")
        helpers = importlib.import_module("golden_code.helpers")
    finally:
        sys.path.remove(str(HERE))
    return {
        "process": pipeline.process,
        "unicode_names": pipeline.unicode_names,
        "add": pipeline.add,
        "nested": pipeline.nested,
        "clean": helpers.clean,
        "even": helpers.even,
        "Child.run": helpers.Child.run,
        "Config.double": helpers.Config.double.fget,
    }


def test_golden_fingerprints():
    found = {name: fingerprint(item).digest.hex for name, item in golden_functions().items()}
    assert found == GOLDEN
    assert len(set(found.values())) == len(found)


def pythons():
    """Return the interpreters of other versions that are at hand."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return sorted(
        path for path in root.glob("3.*/bin/python") if int(path.parts[-3].split(".")[1]) >= 10
    )


def test_every_version_of_python_gives_the_same():
    outputs = {
        subprocess.run(
            [python, "-B", HERE / "preimage_program.py"],
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for python in (Path(sys.executable), *pythons())
    }
    assert len(outputs) == 1
    assert all(not notes for _, notes in json.loads(outputs.pop()).values())
