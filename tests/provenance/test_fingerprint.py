"""What a fingerprint notices, what it does not, and that it never changes."""

from __future__ import annotations

import importlib
import time
import timeit
from pathlib import Path

import pytest

from provenance.programs import digest, run, write
from radops.errors import CreatorError
from radops.provenance.fingerprint import fingerprint

BASE = {
    "pipeline": """
        import helpers
        from helpers import Config, clean as tidy

        RATE = 0.5

        def process(f, rate=RATE, *, config=None):
            config = config or Config()
            return helpers.scale(tidy(f), rate)
        """,
    "helpers": """
        FACTOR = 2

        def scale(x, by):
            return x * by * FACTOR

        def clean(x):
            return scale(x, 1)

        def unused(x):
            return x

        class Config:
            depth = 3
        """,
}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("pipeline", "rate=RATE", "rate=0.25"),
        ("pipeline", "RATE = 0.5", "RATE = 0.25"),
        ("pipeline", "RATE = 0.5", "RATE = 1 / 2"),
        ("pipeline", "tidy(f), rate", "tidy(f), 1"),
        ("pipeline", "tidy(f), rate", "tidy(f), True"),
        ("pipeline", "tidy(f), rate", "tidy(f), 1.0"),
        ("pipeline", "clean as tidy", "unused as tidy"),
        ("pipeline", "helpers.scale", "helpers.unused or helpers.scale"),
        ("helpers", "x * by * FACTOR", "x * FACTOR * by"),
        ("helpers", "FACTOR = 2", "FACTOR = 3"),
        ("helpers", "FACTOR = 2", "FACTOR = 2\n        FACTOR += 1"),
        ("helpers", "return scale(x, 1)", "return scale(x, 2)"),
        ("helpers", "depth = 3", "depth = 4"),
    ],
)
def test_changes_that_count(load, file, old, new):
    changed = {**BASE, file: BASE[file].replace(old, new)}
    assert changed != BASE
    assert digest(load(**BASE)) != digest(load(**changed))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("pipeline", "import helpers", "# a comment\n        import helpers  # another"),
        ("pipeline", "config = config", "'''Docstring.'''\n            config = config"),
        (
            "pipeline",
            "config = config or Config()",
            "config = (\n            config\n            or Config())",
        ),
        ("pipeline", "config = config or", "pass; ...; 'text'; config = config or"),
        ("pipeline", "import helpers", "import os, sys\n        import helpers\n        NEW = 1"),
        ("helpers", "FACTOR = 2", "FACTOR = 0x2"),
        ("helpers", "depth = 3", "depth = 3\n            '''What it is.'''"),
        ("helpers", "def unused(x):", "def unused(x, y):"),
        ("helpers", "class Config:", "class Other: pass\n        class Config:\n            'doc'"),
    ],
)
def test_changes_that_do_not_count(load, file, old, new):
    changed = {**BASE, file: BASE[file].replace(old, new)}
    assert changed != BASE
    assert digest(load(**BASE)) == digest(load(**changed))


def test_order_of_definitions_does_not_count(load):
    one = "def a(): return 1\ndef b(): return a() or c()\ndef c(): return b()\n"
    two = "def c(): return b()\ndef b(): return a() or c()\ndef a(): return 1\n"
    process = "def process(): return b(), a(), c()\n"
    assert digest(load(pipeline=one + process)) == digest(load(pipeline=process + two))


def test_moving_helpers_together_with_their_import_is_noticed_as_little_as_possible(load):
    """Where a helper stands is not part of its code: only the import statement's names are."""
    one = load(
        pipeline="from a import help\ndef process(): return help()", a="def help(): return 1"
    )
    first = digest(one)
    two = load(
        pipeline="from b import help\ndef process(): return help()", b="def help(): return 1"
    )
    assert digest(two) == first


CREATORS = {
    "plain": "from radops.data_lake import file_creator\n@file_creator",
    "options": "from radops.data_lake import file_creator\n@file_creator(version='2')",
    "alias": "from radops.data_lake import file_creator as fc\n@fc(version='3')",
    "module": "import radops.data_lake\n@radops.data_lake.file_creator",
    "module alias": "import radops.data_lake as dl\n@dl.file_creator(version='4')",
    "package": "from radops import data_lake\n@data_lake.file_creator",
    "handed on": "from base import file_creator\n@file_creator",
}


@pytest.mark.parametrize("how", CREATORS)
def test_the_decorator_itself_does_not_count(load, how, monkeypatch):
    body = "\ndef process(f): return f\ndef other(f): return process(f)\n"
    base = "from radops.data_lake import file_creator"
    marker = load(pipeline=body)
    expected = digest(marker), digest(marker, "other")
    # Any object will do as decorator: what is looked at is the source.
    import radops.data_lake  # noqa: PLC0415

    def decorator(*args, **kwargs):
        return args[0] if args else lambda function: function

    monkeypatch.setattr(radops.data_lake, "file_creator", decorator, raising=False)
    module = load(pipeline=CREATORS[how] + body, base=base)
    assert (digest(module), digest(module, "other")) == expected


def test_other_decorators_count(load):
    one = load(pipeline="def d(f): return f\ndef process(f): return f\n")
    first = digest(one)
    two = load(pipeline="def d(f): return f\n@d\ndef process(f): return f\n")
    assert digest(two) != first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def process(): return eval('1')", "process (pipeline.py:1): it calls eval"),
        (
            "import mod\ndef process(name): return getattr(mod, name)",
            "process (pipeline.py:2): mod: attributes are taken by computed names",
        ),
        (
            "import mod\ndef process(): return list(map(str, [mod]))",
            "process (pipeline.py:2): mod: the module is used as a value",
        ),
        (
            "globals()['late'] = 1\ndef process(): return late",
            "process (pipeline.py:2): late: it is bound at run time only",
        ),
        (
            "def make(x):\n    def inner(): return x\n    return inner\nprocess = make(object())",
            "inner (pipeline.py:2): x: a value of type object",
        ),
        (
            "exec('def process(): return 1')",
            "process: its source is not at hand",
        ),
    ],
)
def test_it_says_what_it_could_not_follow(load, text, expected):
    found = fingerprint(load(pipeline=text, mod="x = 1").process)
    assert found.unfollowed == (expected,)


def test_what_is_not_the_users_is_not_followed(load):
    text = "import json, os.path as p, math\nfrom functools import partial\n"
    text += (
        "def process(f): return json.loads(f), p.join(f), math.sin(1), len(f), partial, __name__\n"
    )
    found = fingerprint(load(pipeline=text).process)
    assert found.unfollowed == ()


def test_code_made_by_exec_is_told_apart(load):
    pairs = ((1, 1), (2, 1), (1, 2), (1, 1))
    texts = [
        f"exec('def process(): return {one} + help()')\ndef help(): return {two}"
        for one, two in pairs
    ]
    found = [digest(load(pipeline=text)) for text in texts]
    assert len(set(found)) == 3
    assert found[0] == found[3]


def test_lambdas_of_one_line(load):
    text = "one, two, three = lambda x: x + 1, lambda y: y + 1, lambda x: x + {v}\n"
    first, second = (load(pipeline=text.format(v=v)) for v in (2, 3))
    assert digest(first, "two") == digest(second, "two")
    # These two cannot be told apart by every version of Python: both count.
    assert digest(first, "one") != digest(second, "one")
    assert digest(first, "three") != digest(second, "three")


def test_file_edited_after_its_import(load, tmp_path):
    """A long-running process: somebody edits the file while the old code still runs."""
    module = load(**BASE)
    folder = Path(module.__file__).parent
    before = digest(module)
    module = load(_folder=folder, **BASE)
    write(folder, {"pipeline.py": BASE["pipeline"].replace("0.5", "0.7").replace("def", "\ndef")})
    found = fingerprint(module.process)
    assert found.digest != before
    assert found.unfollowed == ("pipeline.py was edited after its import",)
    assert found.source is None

    module = load(_folder=folder, **BASE)
    write(folder, {"helpers.py": BASE["helpers"].replace("x * by", "by * x")})
    found = fingerprint(module.process)
    assert found.digest != before
    assert found.unfollowed == ("helpers.py was edited after its import",)
    new = digest(load(_folder=folder))
    assert new not in {before, found.digest}


def test_reloaded_helpers_are_noticed(load):
    module = load(**BASE)
    before = digest(module)
    path = Path(module.helpers.__file__)
    write(path.parent, {"helpers.py": BASE["helpers"].replace("return scale(x, 1)", "return x")})
    importlib.reload(module.helpers)
    importlib.reload(module)
    assert digest(module) != before


def test_closure_that_changed_is_noticed(load):
    text = """
        def make():
            rate, rates = 1, []
            def process(): return rate, rates
            def change(): nonlocal rate; rate = 2
            return process, change, rates
        process, change, rates = make()
    """
    module = load(pipeline=text)
    found = [digest(module)]
    module.change()
    found.append(digest(module))
    module.rates.append(1)
    found.append(digest(module))
    assert len(set(found)) == 3


def test_source_and_line(load):
    text = "import os\n\n@(\n  staticmethod)\n# why\ndef process(x):\n    return [\n  x]  # end\n"
    text += "A = 1\n"
    found = fingerprint(load(pipeline=text).process)
    assert found.source == "  staticmethod)\n# why\ndef process(x):\n    return [\n  x]  # end\n"
    assert found.line == 6
    assert Path(found.file).name == "pipeline.py"


def test_source_is_cut_at_a_mebibyte(load):
    found = fingerprint(load(pipeline=f"def process():\n    return '{'é' * 600_000}'\n").process)
    assert found.source.endswith("\n# cut by radops: 1,048,576 of 1,200,029 bytes are kept\n")
    assert len(found.source.encode()) < 1024 * 1024 + 100


def test_where_the_code_lies_does_not_count(load, tmp_path):
    one = load(**BASE)
    first = digest(one)
    two = load(_folder=tmp_path / "some" / "where" / "else", **BASE)
    assert digest(two) == first


def test_a_script_and_its_import_have_one_fingerprint(tmp_path):
    ask = """
        if __name__ == "__main__":
            from radops.provenance.fingerprint import fingerprint
            print(fingerprint(process).digest)
    """
    text = BASE["pipeline"] + ask
    write(tmp_path, {"pipeline.py": text, "helpers.py": BASE["helpers"]})
    command = "import pipeline; from radops.provenance.fingerprint import fingerprint\n"
    command += "print(fingerprint(pipeline.process).digest)"
    found = {
        run("pipeline.py", cwd=tmp_path),
        run("-m", "pipeline", cwd=tmp_path),
        run("-c", command, cwd=tmp_path),
        run("-O", "-c", "import helpers\n" + command, cwd=tmp_path),
    }
    assert len(found) == 1


def test_what_is_no_function():
    with pytest.raises(CreatorError):
        fingerprint(len)


def test_quick_after_the_first_call(load):
    module = load(**BASE)
    fingerprint(module.process)
    # The time of this thread: on a busy machine others want the processor too.
    took = timeit.repeat(
        lambda: fingerprint(module.process), timer=time.thread_time, number=1000, repeat=3
    )
    assert min(took) < 0.1


def test_what_is_watched_is_not_kept_alive(load):
    text = """
        import weakref
        class Table: pass
        table = Table()
        exec("def process(): return table")
        alive = weakref.ref(table)
    """
    module = load(pipeline=text)
    first = fingerprint(module.process)
    assert first.unfollowed
    module.table = 5
    assert module.alive() is None
    assert fingerprint(module.process) != first


def test_deep_code_is_no_problem(load):
    text = "def process(x): return " + " + ".join(["x"] * 900) + "\n"
    assert digest(load(pipeline=text)) != digest(load(pipeline=text.replace("x\n", "1\n")))
