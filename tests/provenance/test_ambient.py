"""Variables of modules whose values are not in the code: said by name, since no key covers them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from provenance.programs import answer, environment, write
from radops.provenance.fingerprint import fingerprint

READ = "def process(): return RATE\n"

SETS = {
    "arguments": ("import sys\nRATE = sys.argv[1:]\n", "sys.argv", 2),
    "name of arguments": ("from sys import argv\nRATE = len(argv)\n", "sys.argv", 2),
    "environment": ("import os\nRATE = os.environ.get('RATE', 1)\n", "os.environ", 2),
    "getenv": ("from os import getenv as g\nRATE = g('RATE')\n", "os.getenv", 2),
    "file": ("with open(__file__) as s:\n    RATE = s.read()\n", "open", 1),
    "JSON": (
        (
            "import json\nwith open(__file__) as s:\n    try: RATE = json.load(s)\n"
            "    except ValueError: RATE = 1\n"
        ), "json.load", 2,
    ),
    "path": ("from pathlib import Path\nRATE = Path(__file__).read_text()\n", "read_text", 2),
    "path in a variable": (
        "from pathlib import Path\nP = Path(__file__)\nRATE = P.read_text()\n", "read_text", 3,
    ),
    "parser of arguments": (
        "import argparse\np = argparse.ArgumentParser()\nRATE = p.parse_known_args([])\n",
        "parse_known_args", 3,
    ),
    "function that reads": (
        "def load():\n    with open(__file__) as s: return s.read()\nRATE = load()\n", "open", 3,
    ),
    "class that reads": (
        "import os\nclass S:\n    def __init__(self): self.r = os.environ.get('R')\nRATE = S()\n",
        "os.environ", 4,
    ),
    "variable of a variable": (
        "import os\nMODE = os.environ.get('M')\nRATE = 2 if MODE else 1\n", "os.environ", 2,
    ),
    "body of a class": (
        "import os\nclass RATE:\n    rate = os.environ.get('R')\n", "os.environ", 2,
    ),
    "default of a helper": (
        "import os\ndef RATE(x=os.environ.get('R')): return x\n", "os.environ", 2,
    ),
    "condition": (
        "import os\nif os.environ.get('R'):\n    RATE = 1\nelse:\n    RATE = 2\n", "os.environ", 2,
    ),
    "clock": ("import time\nRATE = time.time()\n", "time.time", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS, ids=lambda name: name.replace(" ", "-"))
def test_variables_set_from_around_the_program(load, name):
    text, source, line = SETS[name]
    found = fingerprint(load(pipeline=text + READ).process).unfollowed
    assert f"(pipeline.py:{line}): it is set from {source} when the module is imported" in found[0]
    names = {"path in a variable": "RATE", "variable of a variable": "MODE"}
    if name in names:
        assert found[0].startswith(names[name])


def test_variables_set_in_another_module(load):
    found = fingerprint(
        load(
            pipeline="import settings\ndef process(): return settings.RATE\n",
            settings="import os\nRATE = os.environ.get('RATE')\n",
        ).process
    ).unfollowed
    assert found == ("RATE (settings.py:2): it is set from os.environ when the module is imported",)


@pytest.mark.parametrize(
    "text",
    [
        "RATE = 0.5\n",
        "import logging\nRATE = logging.getLogger(__name__)\n",
        "from pathlib import Path\nRATE = Path(__file__).parent\n",
        "import re\nRATE = re.compile('x')\n",
        "RATE = [i for i in range(3)]\n",
        "def open(x): return x\nRATE = open(3)\n",
        # What a function reads while it runs is another matter.
        "import os\ndef RATE(): return os.environ['X']\n",
        "import os\nclass RATE:\n    def go(self): return os.environ['X']\n",
        # Memories that the function itself fills.
        "RATE = {}\ndef fill(): RATE['a'] = 1\n" + READ.replace("return", "fill(); return"),
        "RATE = None\ndef fill():\n    global RATE\n    RATE = RATE or 1\n"
        + READ.replace("return", "fill(); return"),
        "RATE = []\ndef fill(): RATE.append(1)\n" + READ.replace("return", "fill(); return"),
    ],
)
def test_what_needs_no_word(load, text):
    module = load(pipeline=text + ("" if "process" in text else READ))
    if "fill" in text:
        module.process()
    assert fingerprint(module.process).unfollowed == ()


def test_variable_that_a_function_sets(load):
    text = "RATE = None\ndef main(x):\n    global RATE\n    RATE = x\n" + READ
    found = fingerprint(load(pipeline=text).process).unfollowed
    assert found == ("RATE (pipeline.py:1): main (pipeline.py:2) sets it while the program runs",)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("RATE = 1\n", lambda module: setattr(module, "RATE", 2)),
        ("RATE = {}\n", lambda module: module.RATE.update(a=1)),
        ("RATE: list[int] = []\n", lambda module: module.RATE.append(1)),
    ],
)
def test_variable_that_was_changed_from_elsewhere(load, text, change):
    module = load(pipeline=text + READ)
    first = fingerprint(module.process)
    assert first.unfollowed == ()
    change(module)
    second = fingerprint(module.process)
    assert second.unfollowed == (
        "RATE (pipeline.py:1): its value is not the one in the source any more",
    )
    assert first.digest == second.digest


def test_a_script_says_so_once(tmp_path):
    """As people see it: with the name of the variable, and only where code is part of the key."""
    program = """
        import json, os, sys
        from radops.data_lake import File, file_creator
        RATE = float(sys.argv[1])

        @file_creator(track_code={keyed})
        def process(f: File) -> File:
            out = File(suffix=".txt")
            out.write_text(str(RATE))
            return out

        f = File("in.txt")
        if not f.exists(): f.write_text("x")
        process(f)
        process(f)
    """

    for keyed in (True, False):
        write(tmp_path, {"pyproject.toml": '[project]\nname = "demo"\n'})
        write(tmp_path, {"pipeline.py": program.replace("{keyed}", str(keyed))})
        done = subprocess.run(
            [sys.executable, "pipeline.py", "0.5"], cwd=tmp_path, capture_output=True, text=True,
            env=environment(tmp_path, RADOPS_EMAIL="a@example.com"), check=True, timeout=60,
        )  # fmt: skip
        said = [line for line in done.stderr.splitlines() if "does not cover" in line]
        assert len(said) == keyed
        assert all("RATE (pipeline.py:4): it is set from sys.argv" in line for line in said)


def test_notebook_variables_have_their_values_in_the_fingerprint(tmp_path):
    """At a prompt or in a notebook the value itself counts; see test_notebook for the rest."""
    text = """
        import json, os
        RATE = float(os.environ["RATE"])
        def process(): return RATE
        from radops.provenance.fingerprint import fingerprint
        print(json.dumps(fingerprint(process).digest.hex))
    """
    script = textwrap.dedent(text)
    found = [answer(cwd=tmp_path, stdin=script, RATE=rate) for rate in ("1", "2", "1")]
    assert found[0] == found[2] != found[1]
