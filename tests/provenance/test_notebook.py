"""Functions of a real notebook: their identity, and which changes of their code are noticed."""

from __future__ import annotations

import json
from pathlib import Path

from provenance.programs import answer, write

PROGRAM = Path(__file__).parent / "notebook_program.py"


def notebook(tmp_path, *cells):
    """Run cells and return what they printed, each output as JSON."""
    file = tmp_path / "cells.json"
    file.write_text(json.dumps(cells))
    # Everything that Jupyter would keep in a home is kept here.
    folders = {
        name: str(tmp_path / "jupyter" / name)
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    (tmp_path / "jupyter").mkdir(exist_ok=True)
    return answer(PROGRAM, file, cwd=tmp_path, **folders)


START = """
import json
from radops.provenance.fingerprint import fingerprint
from radops.provenance.identity import identify, module_of
from radops.provenance.capture import capture_code, package_version

def tell(function):
    found = fingerprint(function)
    print(json.dumps([found.digest.hex, list(found.unfollowed)]))
"""


def test_notebook(tmp_path):
    write(tmp_path, {"helpers.py": "LIMIT = 1\ndef clean(x):\n    return x\n"})
    write(tmp_path, {"pyproject.toml": '[project]\nname = "demo"\n'})
    process = "def process(f):\n    return scale(helpers.clean(f), RATE) + Options.depth\n"
    found = notebook(
        tmp_path,
        START,
        "import helpers\nRATE = 0.5\n"
        "def scale(x, by):\n    return x * by\n"
        "class Options:\n    depth = 1\n",
        f"# a cell\n{process}",
        "who = identify(process)\n"
        "code = capture_code(process, fingerprint(process)).code\n"
        "print(json.dumps([who.module, who.name, who.keyed_by_code, who.run_as, code.source,"
        " code.git, package_version(process), module_of(Options),"
        " identify(helpers.clean).module]))",
        "tell(process)",
        # The cell run again as it was, and with another comment: the same code.
        f"# another comment\n\n{process}",
        "tell(process)",
        # Something it reaches was run again and is different; then as it was at first.
        "def scale(x, by):\n    return x * by * 2\n",
        "tell(process)",
        "def scale(x, by):\n    'Docstring.'\n    return x * by\n",
        "tell(process)",
        "RATE = 0.7",
        "tell(process)",
        "RATE = 0.5",
        "tell(process)",
        "class Options:\n    depth = 2\n",
        "tell(process)",
        "class Options:\n    depth = 1\n",
        "tell(process)",
    )
    who, *prints = found[0], *found[1:]
    assert who == ["notebook", "process", True, "__main__", process, None, None, "notebook",
                   "demo:helpers"]  # fmt: skip
    digests = [digest for digest, notes in prints if notes == []]
    first, again, scaled, back, rated, rate_back, deep, deep_back = digests
    assert first == again == back == rate_back == deep_back
    assert len({first, scaled, rated, deep}) == 4


def test_more_of_a_notebook(tmp_path):
    write(tmp_path, {"helpers.py": "def clean(x):\n    return x\n"})
    script = "import json\nfrom radops.provenance.identity import identify\n"
    script += "def other(): pass\nif __name__ == '__main__':\n"
    script += "    print(json.dumps(identify(other).module))\n"
    write(tmp_path, {"script.py": script, "pyproject.toml": '[project]\nname = "demo"\n'})
    found = notebook(
        tmp_path,
        START,
        # A magic, a table of functions, a list that is changed in place, a class with methods,
        # a dataclass that another cell defines anew, something that cannot be followed.
        "%cd .\n"
        "import dataclasses, functools\n"
        "HOW = {'double': lambda x: x * 2}\nITEMS = [1]\n"
        "class Model:\n    def fit(self, x):\n        return self.go(x)\n"
        "    def go(self, x):\n        return HOW['double'](x), ITEMS, LATE\n"
        "@dataclasses.dataclass\nclass Options:\n    rate: float = 1.0\n"
        "def process(x, options: Options):\n    return Model().fit(x)\n"
        "LATE = object()",
        "tell(process)",
        "tell(process)",
        "ITEMS.append(2)",
        "tell(process)",
        "ITEMS.remove(2)\nLATE = 1",
        "tell(process)",
        "HOW = {'double': lambda x: x * 3}",
        "tell(process)",
        "@dataclasses.dataclass\nclass Options:\n    rate: float = 2.0",
        "tell(process)",
        "%run script.py",
    )
    *prints, ran = found
    assert ran == "demo:script"
    assert prints[0] == prints[1]
    assert all(notes == [] for _, notes in prints)
    assert len({digest for digest, _ in prints[1:]}) == 5, [d[:5] for d, _ in prints]


def test_what_cells_bind_counts(tmp_path):
    """Methods of objects, partials and classes that a function made, bound by cells."""
    bindings = {
        "re.compile('1').findall": "re.compile('2').findall",
        "functools.partial(scale, by=1)": "functools.partial(scale, by=2)",
        "Model(1).go": "Model(2).go",
        "Model(1)": "Model(2)",
        "make(1)": "make(2)",
        "Scaled(scale, 1)": "Scaled(scale, 2)",
    }
    cells = [
        START,
        (
            "import functools, re\n"
            "def scale(x, by): return x * by\n"
            "class Model:\n    def __init__(self, rate): self.rate = rate\n"
            "    def go(self): return self.rate\n"
            "class Scaled:\n    def __init__(self, f, by):\n"
            "        functools.update_wrapper(self, f)\n        self.by = by\n"
            "    def __call__(self): return self.__wrapped__(1, self.by)\n"
            "def make(n):\n    class K:\n        def go(self): return n\n    return K\n"
            "def process(): return bound\n"
        ),
    ]
    for one, two in bindings.items():
        cells += [f"bound = {value}\ntell(process)" for value in (one, two, one)]
    found = notebook(tmp_path, *cells)
    assert [notes for _, notes in found if notes] == []
    for number, name in enumerate(bindings):
        first, second, third = [digest for digest, _ in found[3 * number : 3 * number + 3]]
        assert first == third != second, name


def test_autoreload(tmp_path):
    """`%autoreload 2` renews functions in place, but not the objects that creators are."""
    text = """
        from radops.data_lake import File, file_creator
        @file_creator(track_code=True)
        def process() -> File:
            out = File(suffix=".txt")
            out.write_text("one")
            return out
    """
    write(tmp_path, {"steps.py": text})
    found = notebook(
        tmp_path,
        "import json, logging, os, time\n"
        "os.environ.update(RADOPS_HOME='home', RADOPS_EMAIL='a@example.com')\n"
        "said = []\nclass Keep(logging.Handler):\n"
        "    def emit(self, record): said.append(record.getMessage())\n"
        "logging.getLogger('radops').addHandler(Keep())\n",
        "%load_ext autoreload\n%autoreload 2\nfrom steps import process",
        "before = process().read_text()\n"
        "text = open('steps.py').read().replace('one', 'two')\n"
        "open('steps.py', 'w').write(text)\n"
        "later = time.time() + 5\nos.utime('steps.py', (later, later))",
        "after = process().read_text()\n"
        "print(json.dumps([before, after, [one for one in said if 'loaded again' in one]]))",
        "from steps import process\nprint(json.dumps([process().read_text()]))",
    )
    (before, after, said), (again,) = found
    assert before == "one"
    assert after == "two" or len(said) == 1
    assert again == "two"
