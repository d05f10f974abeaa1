"""What a fingerprint notices, what it does not, and that it never changes."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import timeit
from pathlib import Path

import pytest

from data_lake.programs import run, write
from radops.data_lake.code.syntax import canonical, constant
from radops.data_lake.code.values import OpaqueError, canonical_value
from radops.data_lake.fingerprint import fingerprint
from radops.errors import CreatorError

HERE = Path(__file__).parent


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Import modules from files and forget them again; each call has a folder of its own."""
    folders = []

    def load(name="pipeline", /, _folder=None, **files):
        folder = _folder or tmp_path / f"version{len(folders)}"
        folders.append(folder)
        texts = {f"{key.replace('__in__', '/')}.py": text for key, text in files.items()}
        write(folder, texts)
        forget()
        monkeypatch.syspath_prepend(folder)
        sys.dont_write_bytecode = True
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def forget():
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "") or "").startswith(str(tmp_path)):
                del sys.modules[name]

    before = sys.dont_write_bytecode
    yield load
    forget()
    sys.dont_write_bytecode = before


def digest(module, name="process"):
    return fingerprint(getattr(module, name)).digest


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


WAYS = {
    "attribute of a module of a package": {
        "pipeline": "import pkg.deep.mod\ndef process(): return pkg.deep.mod.help()",
        "pkg__in____init__": "", "pkg__in__deep__in____init__": "",
        "pkg__in__deep__in__mod": "def help(): return VALUE",
    },
    "name handed on by a package": {
        "pipeline": "from pkg import help\ndef process(): return help()",
        "pkg__in____init__": "from .mod import help",
        "pkg__in__mod": "def help(): return VALUE",
    },
    "star import": {
        "pipeline": "from mod import *\ndef process(): return help()",
        "mod": "from inner import *", "inner": "def help(): return VALUE",
    },
    "import within the function": {
        "pipeline": "def process():\n    from mod import help as h\n    return h()",
        "mod": "def help(): return VALUE",
    },
    "import of a module within the function": {
        "pipeline": "def process():\n    import pkg.mod as m\n    return [m.help() for _ in 'a']",
        "pkg__in____init__": "", "pkg__in__mod": "def help(): return VALUE",
    },
    "namespace package": {
        "pipeline": "from space.mod import help\ndef process(): return help()",
        "space__in__mod": "def help(): return VALUE",
    },
    "decorator": {
        "pipeline": "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def w():\n"
        "        return f() + VALUE\n    return w\n@timed\ndef process(): return 1",
    },
    "wrapper that was put around it later": {
        "pipeline": "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def w():\n"
        "        return f() + VALUE\n    return w\ndef plain(): return 1\nprocess = timed(plain)",
    },
    "decorator of a helper": {
        "pipeline": "def twice(f): return lambda: f() * VALUE\n@twice\ndef help(): return 1\n"
        "def process(): return help()",
    },
    "default value": {
        "pipeline": "def help(): return VALUE\ndef process(how=help): return how()",
    },
    "closure": {
        "pipeline": "def help(): return VALUE\ndef make(how):\n    def inner(): return how()\n"
        "    return inner\nprocess = make(help)",
    },
    "value in a closure": {
        "pipeline": "def make(rate):\n    def inner(): return rate\n    return inner\n"
        "process = make({'a': [VALUE]})",
    },
    "default of a nested function": {
        "pipeline": "def make(rate):\n    def inner(r=rate): return r\n    return inner\n"
        "process = make(VALUE)",
    },
    "closure over a bound method's class": {
        "pipeline": "class A:\n    def go(self): return VALUE\ndef make(how):\n"
        "    def inner(): return how()\n    return inner\nprocess = make(A().go)",
    },
    "base class": {
        "pipeline": "class A:\n    def go(self): return VALUE\nclass B(A): pass\n"
        "def process(): return B().go()",
    },
    "metaclass, annotation, type of an argument": {
        "pipeline": "class M(type): x = VALUE\nclass C(metaclass=M): pass\n"
        "def process(c: 'C', d: C): return c",
    },
    "lambda": {"pipeline": "process = lambda: VALUE"},
    "lambda in a table": {
        "pipeline": "HOW = {'a': lambda x: x * VALUE}\ndef process(): return HOW['a'](1)",
    },
    "table that is filled later": {
        "pipeline": "HOW = {}\nHOW['a'] = VALUE\ndef process(): return HOW",
    },
    "conditional definition": {
        "pipeline": "try:\n    import not_there\nexcept ImportError:\n"
        "    def help(): return VALUE\ndef process(): return help()",
    },
    "condition": {
        "pipeline": "import sys\nif sys.flags.debug == VALUE:\n    A = 5\nelse:\n    A = 6\n"
        "def process(): return A",
    },
    "name bound by a condition": {
        "pipeline": "if A := VALUE:\n    B = A\ndef process(): return A",
    },
    "loop": {"pipeline": "for i in range(3):\n    LAST = i + VALUE\ndef process(): return LAST"},
    "instance": {
        "pipeline": "class S:\n    def __init__(self): self.rate = VALUE\nsettings = S()\n"
        "def process(): return settings.rate",
    },
    "getattr with a literal": {
        "pipeline": "import mod\ndef process(): return getattr(mod, 'help')()",
        "mod": "def help(): return VALUE",
    },
    "getattr of the module": {
        "pipeline": "import mod\ndef process(): return mod.anything",
        "mod": "def __getattr__(name): return VALUE",
    },
    "modules that import from each other": {
        "pipeline": "import a\ndef process(): return a.f()",
        "a": "def f():\n    import b\n    return b.g()",
        "b": "def g():\n    import a\n    return a.f() if VALUE else 0",
    },
    "circle of imports of one name": {
        "pipeline": "import a\ndef process(): return a.f, VALUE",
        "a": "from b import f", "b": "try:\n    from a import f\nexcept ImportError:\n    f = 1",
    },
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.replace(" ", "-"))
def test_ways_to_reach_code(load, way):
    found = [
        fingerprint(load(**{k: t.replace("VALUE", value) for k, t in WAYS[way].items()}).process)
        for value in ("1", "2", "1.0", "1")
    ]
    assert len({item.digest for item in found}) == 3
    assert found[0].digest == found[3].digest
    dynamic = way == "getattr of the module"
    assert bool(found[0].unfollowed) == dynamic


def test_methods_reach_their_class(load):
    text = """
        class Base:
            def help(self): return {value}
        class Model(Base):
            def fit(self): return self.go()
            def go(self): return self.help()
            @classmethod
            def make(cls): return cls()
    """
    for name in ("fit", "make"):
        found = {
            fingerprint(getattr(load(pipeline=text.format(value=v)).Model, name)).digest
            for v in (1, 2)
        }
        assert len(found) == 2


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
            from radops.data_lake.fingerprint import fingerprint
            print(fingerprint(process).digest)
    """
    text = BASE["pipeline"] + ask
    write(tmp_path, {"pipeline.py": text, "helpers.py": BASE["helpers"]})
    command = "import pipeline; from radops.data_lake.fingerprint import fingerprint\n"
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
    assert min(timeit.repeat(lambda: fingerprint(module.process), number=1000, repeat=3)) < 0.1


# The golden values: fingerprints join keys, so these can never change.

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


def test_canonical_form_is_what_its_description_says():
    import ast  # noqa: PLC0415

    tree = ast.parse("def f(a, *, b=1):\n    'doc'\n    return a.b[-1:, 'é'] + {**c, 1: u'x'}['k']")
    assert canonical(tree.body[0]).decode() == (
        "(FunctionDef args=(arguments args=[(arg arg=s1:a)] "
        "kw_defaults=[(Constant value=int3:0x1)] kwonlyargs=[(arg arg=s1:b)]) "
        "body=[(Return value=(BinOp left=(Subscript slice=(Tuple elts=[(Slice "
        "lower=(UnaryOp op=(USub) operand=(Constant value=int3:0x1)))(Constant value=str2:é)]) "
        "value=(Attribute attr=s1:b value=(Name id=s1:a))) op=(Add) right=(Subscript "
        "slice=(Constant value=str1:k) value=(Dict keys=[-(Constant value=int3:0x1)] "
        "values=[(Name id=s1:c)(Constant value=str1:x)]))))] name=s1:f)"
    )


def test_f_strings_have_one_form():
    import ast  # noqa: PLC0415

    for one, two in (
        ('f"{a:}"', 'f"{a}"'), ('f"{a}" "b" f"c"', 'f"{a}bc"'), ('f"{a:{b}}" ""', 'f"{a:{b}}"'),
    ):  # fmt: skip
        assert canonical(ast.parse(one)) == canonical(ast.parse(two))
    assert canonical(ast.parse('f"{a!r}"')) != canonical(ast.parse('f"{a}"'))


def test_threads_and_forks(load):
    """Many threads at once, and a child whose parent was in the midst of it."""
    text = "".join(f"def f{i}(x): return f{i + 1}(x) + {i}\n" for i in range(200))
    program = """
        import os, signal, sys, threading
        signal.alarm(60)
        sys.path.insert(0, {folder!r})
        import pipeline
        from radops.data_lake.fingerprint import fingerprint
        def ask():
            found.append(fingerprint(pipeline.process).digest.hex)
        found = []
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads: thread.start()
        if (child := os.fork()) == 0:
            signal.alarm(60)  # a child that hangs must not outlive the test
            ask()
            os._exit(0)
        for thread in threads: thread.join()
        assert os.waitpid(child, 0)[1] == 0
        assert len(found) == 8 and len(set(found)) == 1
        print("done")
    """
    module = load(pipeline=text + "def f200(x): return x\nprocess = f0\n")
    folder = Path(module.__file__).parent
    write(folder, {"program.py": program.replace("{folder!r}", repr(str(folder)))})
    assert run("program.py", cwd=folder) == "done\n"


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


def test_values():
    ring = []
    ring.append(ring)
    for value in (ring, object(), [0] * 20_000, type("Sub", (int,), {})(1)):
        with pytest.raises(OpaqueError):
            canonical_value(value)
    different = [
        1, 1.0, True, "1", b"1", None, ..., 1j, -0.0, 0.0, float("nan"), float("inf"), [], (), {},
        set(), frozenset(), [1], (1,), {1}, {1: 2}, {2: 1}, "", "\ud800", Path("a"), Path("b"),
        [[1], 2], [[1, 2]], 10**30,
    ]  # fmt: skip
    assert len({canonical_value(value) for value in different}) == len(different)
    assert canonical_value({1: 2, 3: 4}) == canonical_value({3: 4, 1: 2})
    assert canonical_value({"a", "b", "c"}) == canonical_value({"c", "b", "a"})
    assert constant("x") == b"str1:x"
    with pytest.raises(TypeError):
        constant([])
