"""One function has one identity, however it is started and wherever its checkout lies."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import os
import subprocess
import sys
import textwrap
import time
import timeit
from typing import TYPE_CHECKING

import pytest

from provenance.programs import PIPELINE, answer, environment, git, repository, write
from radops.errors import CreatorError
from radops.provenance.identity import identify, module_of

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT = '[project]\nname = "demo"\n'


def every_way(cwd: Path, script: str, *modules: str, path: str = ".") -> set[tuple[str, bool]]:
    """Ask a script for the identity of its function, in all ways in which it can be run."""
    found = [
        answer(script, cwd=cwd),
        answer(script, "spawn", cwd=cwd),
        answer(cwd / script, cwd=cwd.parent),
    ]
    for module in modules:
        more = {"PYTHONPATH": os.pathsep.join(str(cwd / item) for item in path.split(":"))}
        found += [
            answer("-m", module, cwd=cwd, **more),
            answer("-m", module, "spawn", cwd=cwd, **more),
            answer("-c", f"import {module} as it; it.report()", cwd=cwd, **more),
        ]
    assert {item[1] for item in found} == {"process"}
    return {(item[0], item[2]) for item in found}


def test_flat_script_in_a_project(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "pipeline.py": PIPELINE})
    assert every_way(tmp_path, "pipeline.py", "pipeline") == {("demo:pipeline", False)}


def test_package_in_src(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": PYPROJECT,
            "src/pkg/__init__.py": "",
            "src/pkg/deep/__init__.py": "",
            "src/pkg/deep/mod.py": PIPELINE,
        },
    )
    ways = every_way(tmp_path, "src/pkg/deep/mod.py", "pkg.deep.mod", path="src")
    assert ways == {("pkg.deep.mod", False)}


def test_package_without_src(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "pkg/__init__.py": "", "pkg/mod.py": PIPELINE})
    assert every_way(tmp_path, "pkg/mod.py", "pkg.mod") == {("pkg.mod", False)}


def test_package_run_by_its_name(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "pkg/__init__.py": ""})
    write(tmp_path, {"pkg/__main__.py": PIPELINE})
    # Not in a spawned child: multiprocessing itself does not import a `__main__.py` there.
    command = "import pkg.__main__ as it; it.report()"
    for way in (["-m", "pkg"], ["-m", "pkg.__main__"], ["pkg"], ["-c", command]):
        assert answer(*way, cwd=tmp_path)[:3] == ["pkg.__main__", "process", False]
    assert every_way(tmp_path, "pkg/__main__.py") == {("pkg.__main__", False)}


def test_function_in_the_init_of_a_package(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "pkg/__init__.py": PIPELINE})
    assert every_way(tmp_path, "pkg/__init__.py") == {("pkg", False)}
    assert answer("-c", "import pkg; pkg.report()", cwd=tmp_path)[0] == "pkg"


def test_folder_that_is_no_package(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "scripts/clean.py": PIPELINE})
    ways = every_way(tmp_path, "scripts/clean.py", "scripts.clean", "clean", path=".:scripts")
    assert ways == {("demo:scripts.clean", False)}


def test_module_in_src_that_is_no_package(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "src/pipeline.py": PIPELINE})
    ways = every_way(tmp_path, "src/pipeline.py", "pipeline", path="src")
    assert ways == {("demo:pipeline", False)}


def test_src_is_never_a_name(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": PYPROJECT,
            "src/__init__.py": "",
            "src/data/__init__.py": "",
            "src/data/make.py": PIPELINE,
            "src/flat.py": PIPELINE,
        },
    )
    assert every_way(tmp_path, "src/data/make.py", "src.data.make") == {("demo:data.make", False)}
    assert every_way(tmp_path, "src/flat.py", "src.flat") == {("demo:flat", False)}


def test_root_of_a_project_is_never_a_name(tmp_path):
    root = tmp_path / "checkout"
    write(root, {"pyproject.toml": PYPROJECT, "__init__.py": "", "pipeline.py": PIPELINE})
    assert every_way(root, "pipeline.py", "pipeline") == {("demo:pipeline", False)}
    command = "import checkout.pipeline as it; it.report()"
    assert answer("-c", command, cwd=tmp_path)[0] == "demo:pipeline"


def test_two_projects_have_two_keys(tmp_path):
    found = set()
    for name in ("one", "two"):
        root = write(tmp_path / name, {"pipeline.py": PIPELINE})
        write(root, {"pyproject.toml": f'[project]\nname = "{name}"\n'})
        found |= every_way(root, "pipeline.py", "pipeline")
    assert found == {("one:pipeline", False), ("two:pipeline", False)}


def test_second_checkout_elsewhere_has_one_key(tmp_path):
    first = repository(write(tmp_path / "here", {"steps/pipeline.py": PIPELINE}))
    second = tmp_path / "far" / "away" / "under another name"
    second.parent.mkdir(parents=True)
    git(tmp_path, "clone", "-q", str(first), str(second))
    git(second, "remote", "set-url", "origin", "git@github.com:team/demo.git")
    found = every_way(first, "steps/pipeline.py") | every_way(second, "steps/pipeline.py")
    assert found == {("demo:steps.pipeline", False)}


def test_added_worktree_and_symbolic_link(tmp_path):
    first = repository(write(tmp_path / "here", {"pipeline.py": PIPELINE}))
    git(first, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "other")
    (tmp_path / "link.py").symlink_to(first / "pipeline.py")
    assert answer(tmp_path / "tree" / "pipeline.py", cwd=tmp_path)[0] == "demo:pipeline"
    assert answer("link.py", cwd=tmp_path)[0] == "demo:pipeline"


def test_submodule_is_its_own_project(tmp_path):
    inner = repository(write(tmp_path / "inner", {"pipeline.py": PIPELINE}), remote=None)
    outer = repository(write(tmp_path / "outer", {"pyproject.toml": PYPROJECT}))
    git(outer, "submodule", "add", "-q", str(inner), "parts/inner")
    assert answer("parts/inner/pipeline.py", cwd=outer)[0] == "inner:pipeline"


@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [
        ('[tool.poetry]\nname = "poem"\n', "poem:pipeline"),
        ("[tool.ruff]\nline-length = 90\n", "demo:pipeline"),
        ("not toml at all [", "demo:pipeline"),
        ('project = "text"\n[tool]\npoetry = 1\n', "demo:pipeline"),
    ],
)
def test_where_the_name_of_a_project_comes_from(tmp_path, pyproject, expected):
    write(tmp_path, {"pyproject.toml": pyproject, "pipeline.py": PIPELINE})
    repository(tmp_path)
    assert answer("pipeline.py", cwd=tmp_path)[0] == expected


def test_outside_any_project_the_code_joins_the_key(tmp_path):
    write(tmp_path, {"work/pipeline.py": PIPELINE})
    ways = every_way(tmp_path / "work", "pipeline.py", "pipeline")
    assert ways == {("pipeline", True)}


def test_repository_without_remote_is_no_project(tmp_path):
    write(tmp_path, {"pipeline.py": PIPELINE})
    repository(tmp_path, remote=None)
    assert every_way(tmp_path, "pipeline.py", "pipeline") == {("pipeline", True)}


def test_package_outside_any_project(tmp_path):
    write(tmp_path, {"pkg/__init__.py": "", "pkg/mod.py": PIPELINE})
    assert every_way(tmp_path, "pkg/mod.py", "pkg.mod") == {("pkg.mod", False)}


def test_installed(tmp_path):
    site = tmp_path / "lib" / "site-packages"
    write(site, {"pkg/__init__.py": "", "pkg/mod.py": PIPELINE, "single.py": PIPELINE})
    write(site, {"space/part/__init__.py": "", "space/part/mod.py": PIPELINE})
    write(tmp_path, {"pyproject.toml": PYPROJECT})
    for name in ("pkg.mod", "single", "space.part.mod"):
        command = f"import {name} as it; it.report()"
        assert answer("-c", command, cwd=tmp_path, PYTHONPATH=str(site)) == [
            name, "process", False, name,
        ]  # fmt: skip
        script = str(site / name.replace(".", "/")) + ".py"
        assert answer(script, cwd=tmp_path) == [name, "process", False, "__main__"]


def test_installed_as_links_into_a_cache(tmp_path):
    cache = write(tmp_path / "cache", {"mod.py": PIPELINE})
    site = write(tmp_path / "site-packages", {"pkg/__init__.py": ""})
    (site / "pkg" / "mod.py").symlink_to(cache / "mod.py")
    command = "import pkg.mod as it; it.report()"
    assert answer("-c", command, cwd=tmp_path, PYTHONPATH=str(site))[:3] == [
        "pkg.mod", "process", False,
    ]  # fmt: skip


def test_installed_into_a_target_folder(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "deps/single.py": PIPELINE})
    write(tmp_path, {"deps/single-1.0.dist-info/METADATA": "Name: single\nVersion: 1.0\n"})
    command = "import single as it; it.report()"
    found = answer("-c", command, cwd=tmp_path, PYTHONPATH=str(tmp_path / "deps"))
    assert found[:3] == ["single", "process", False]


def test_editable_install(tmp_path):
    """What `pip install -e` leaves: a path file, and a distribution that names the source."""
    root = write(tmp_path / "checkout", {"pyproject.toml": PYPROJECT, "src/flat.py": PIPELINE})
    write(root, {"src/pkg/__init__.py": "", "src/pkg/mod.py": PIPELINE})
    site = write(tmp_path / "site-packages", {"demo.pth": f"{root / 'src'}\n"})
    load = f"import site; site.addsitedir({str(site)!r})\n"
    for name, expected in (("pkg.mod", "pkg.mod"), ("flat", "demo:flat")):
        command = f"{load}import {name} as it; it.report()"
        assert answer("-c", command, cwd=tmp_path)[:3] == [expected, "process", False]


def test_zip_archive(tmp_path):
    files = {"pkg/__init__.py": "", "pkg/mod.py": PIPELINE, "__main__.py": PIPELINE}
    write(tmp_path / "app", files)
    command = "import shutil; shutil.make_archive('app', 'zip', 'app')"
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=True)
    command = "import pkg.mod as it; it.report()"
    found = answer("-c", command, cwd=tmp_path, PYTHONPATH=str(tmp_path / "app.zip"))
    assert found[:3] == ["pkg.mod", "process", False]
    assert answer("app.zip", cwd=tmp_path)[:3] == ["__main__", "process", True]


def test_typed_in(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "pipeline.py": PIPELINE})
    expected = ["notebook", "process", True, "__main__"]
    assert answer("-c", PIPELINE, cwd=tmp_path) == expected
    assert answer(cwd=tmp_path, stdin=PIPELINE) == expected
    prompt = "from radops.provenance.identity import identify; import json\ndef other(): pass\n\n"
    prompt += "print(json.dumps([identify(other).module, identify(process).module]))\n"
    done = subprocess.run(
        [sys.executable, "-q", "-i", "pipeline.py"], input=prompt,
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == ["notebook", "demo:pipeline"]


def test_name_in_unicode_normal_form(tmp_path):
    write(tmp_path, {"pyproject.toml": PYPROJECT, "re\u0301gler.py": PIPELINE})
    assert answer("re\u0301gler.py", cwd=tmp_path)[0] == "demo:r\xe9gler"


def test_thread_that_outlives_its_script(tmp_path):
    """Python deletes `__file__` from a script that has ended."""
    tail = """
import threading, time
threading.Thread(target=lambda: (time.sleep(0.3), report())).start()
"""
    for head in ("", "import radops.provenance.identity\n"):
        text = head + PIPELINE.replace("    else:\n        report()", "") + tail
        write(tmp_path, {"pyproject.toml": PYPROJECT, "pipeline.py": text})
        assert answer("pipeline.py", cwd=tmp_path)[0] == "demo:pipeline"


class Model:
    def fit(self):
        return super().__init__()

    @classmethod
    def load(cls):
        pass

    @staticmethod
    def check():
        pass


def test_methods():
    module = "radops:tests.provenance.test_identity"
    for method, name in (
        (Model.fit, "Model.fit"),
        (Model().fit, "Model.fit"),
        (Model.load, "Model.load"),
        (Model.check, "Model.check"),
        (Model.__dict__["check"], "Model.check"),
    ):
        found = identify(method)
        assert (found.module, found.name, found.keyed_by_code) == (module, name, False)


@dataclasses.dataclass
class Options:
    rate: float


class Colour(enum.Enum):
    RED = 1


def test_modules_of_classes():
    here = identify(make).module
    assert module_of(Model) == module_of(Options) == module_of(Colour) == here
    assert module_of(int) == "builtins"
    assert module_of(enum.Enum) == "enum"
    assert module_of(type("Gone", (), {"__module__": "not.there"})) == "not.there"


def test_class_of_a_script(tmp_path):
    text = """
        import dataclasses, sys
        from radops.provenance.identity import module_of
        @dataclasses.dataclass
        class Options:
            rate: float
        class Model:
            def fit(self): pass
        if __name__ == "__main__" or "-c" in sys.argv:
            print(f'["{module_of(Options)}", "{module_of(Model)}"]')
    """
    write(tmp_path, {"pyproject.toml": PYPROJECT, "pipeline.py": text})
    assert answer("pipeline.py", cwd=tmp_path) == ["demo:pipeline"] * 2
    assert answer("-c", "import pipeline", cwd=tmp_path) == ["demo:pipeline"] * 2
    assert answer("-c", textwrap.dedent(text), cwd=tmp_path) == ["notebook"] * 2


def make(rate, helper=None):
    def inner(x):
        return x * rate

    def plain(x):
        return x

    @functools.wraps(inner)
    def wrapper(x):
        return inner(x)

    return {"inner": inner, "plain": plain, "wrapper": wrapper, "lambda": lambda x: x}[helper]


def test_names_that_do_not_tell_functions_apart_need_the_code():
    assert identify(make(1, "inner")).keyed_by_code
    assert identify(make(1, "lambda")).keyed_by_code
    assert not identify(make(1, "plain")).keyed_by_code
    assert identify(make(1, "plain")).name == "make.<locals>.plain"


def test_wrappers_are_looked_through():
    assert identify(make(1, "wrapper")).name == "make.<locals>.inner"

    class Creator:
        def __init__(self, function):
            functools.update_wrapper(self, function)

        def __call__(self):
            pass

    assert identify(Creator(Model.fit)).name == "Model.fit"


@pytest.mark.parametrize("thing", [len, functools.partial(make, 1), Model(), 5, Model])
def test_what_is_no_function(thing):
    with pytest.raises(CreatorError, match="not a Python function"):
        identify(thing)


def test_quick_after_the_first_call():
    identify(make)
    # The time of this thread: on a busy machine others want the processor too.
    took = timeit.repeat(lambda: identify(make), timer=time.thread_time, number=1000, repeat=3)
    assert min(took) < 0.1


def test_same_named_modules_of_two_places_in_one_process(tmp_path):
    """What runs tests of two projects in one process sees both under one module name."""
    script = """
        import json, runpy
        from radops.provenance.identity import identify
        found = [identify(runpy.run_path(f"{n}/pipeline.py")["process"]).module for n in "ab"]
        print(json.dumps(found))
    """
    for name in "ab":
        write(tmp_path / name, {"pipeline.py": PIPELINE})
        write(tmp_path / name, {"pyproject.toml": f'[project]\nname = "{name}"\n'})
    write(tmp_path, {"both.py": script})
    assert answer("both.py", cwd=tmp_path) == ["a:pipeline", "b:pipeline"]
