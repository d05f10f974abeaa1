"""Results of functions that have another name by now: found by their code, or named in the hint."""

from __future__ import annotations

import logging

import pytest

from modules import forget
from provenance.programs import git, repository
from radops.data_lake import File
from radops.errors import LineageMismatchError

PIPELINE = """
from radops.data_lake import File, file_creator

@file_creator
def process(f: File, rate: float = 0.5) -> File:
    out = File(suffix=".txt")
    out.write_text(f.read_text() * int(rate * 2))
    return out

@file_creator
def named(f: File, output_uid: str) -> File:
    out = File(output_uid)
    out.write_text(f.read_text())
    return out
"""


@pytest.fixture
def folder(tmp_path, lake):
    File("in.txt").write_text("x")
    return tmp_path / "checkout"


def calls(load, caplog, folder, text=PIPELINE, file="pipeline", names=("process", "named")):
    """Make both calls; return their UIDs and what was said."""
    forget()
    module = load(file, _folder=folder, **{file: text})
    caplog.clear()
    with caplog.at_level(logging.INFO, "radops"):
        one = getattr(module, names[0])(File("in.txt"))
        two = getattr(module, names[1])(File("in.txt"), output_uid="out.txt")
    return one.uid, two.uid, list(caplog.messages)


def add_pyproject(folder):
    (folder / "pyproject.toml").write_text('[project]\nname = "other"\n')


STEPS = {
    "a git repository with a remote": repository,
    "a pyproject.toml": add_pyproject,
    "a package": lambda folder: (folder / "__init__.py").write_text(""),
    "a repository and then a pyproject.toml": lambda folder: (
        repository(folder), add_pyproject(folder),
    ),
}  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.replace(" ", "-"))
def test_housekeeping_keeps_results(load, caplog, folder, step):
    first = calls(load, caplog, folder)
    STEPS[step](folder)
    second = calls(load, caplog, folder)
    assert second[:2] == first[:2]
    assert len(second[2]) == 2
    for said in second[2]:
        assert "already in the lake, made by the same code under its earlier name pipeline." in said


def test_another_remote_and_a_remote_that_goes(load, caplog, folder):
    folder.mkdir()
    repository(folder)
    first = calls(load, caplog, folder)
    git(folder, "remote", "set-url", "origin", "https://host/team/new.git")
    git(folder, "remote", "add", "old", "https://github.com/team/demo.git")
    assert calls(load, caplog, folder)[:2] == first[:2]
    git(folder, "remote", "remove", "old")
    git(folder, "remote", "remove", "origin")
    assert calls(load, caplog, folder)[:2] == first[:2]


def test_moved_and_renamed(load, caplog, folder):
    first = calls(load, caplog, folder)
    add_pyproject(folder)
    text = PIPELINE.replace("def process", "def tidy").replace("def named", "def copied")
    second = calls(load, caplog, folder, text, "steps", ("tidy", "copied"))
    assert second[:2] == first[:2]
    assert "under its earlier name pipeline.process" in second[2][0]


def test_a_name_that_is_given_later_keeps_results(load, caplog, folder):
    first = calls(load, caplog, folder)
    text = PIPELINE.replace("@file_creator\ndef process", '@file_creator(name="a.b")\ndef process')
    assert calls(load, caplog, folder, text)[:2] == first[:2]


def test_other_code_or_arguments_are_not_taken(load, caplog, folder):
    first = calls(load, caplog, folder)
    add_pyproject(folder)
    text = PIPELINE.replace("f.read_text() * int(rate * 2)", "f.read_text() * int(2 * rate)")
    module = load("pipeline", _folder=folder, pipeline=text)
    forget()
    assert module.process(File("in.txt")).uid != first[0]
    assert module.process(File("in.txt"), rate=1.0).uid != first[0]
    File("in2.txt").write_text("x")
    assert module.process(File("in2.txt")).uid != first[0]


def test_the_hint_names_the_way_to_keep_a_name(load, caplog, folder):
    folder.mkdir()
    add_pyproject(folder)
    calls(load, caplog, folder)
    forget()
    text = PIPELINE.replace("f.read_text())", "f.path().read_text())")
    module = load("steps", _folder=folder, steps=text)
    with pytest.raises(LineageMismatchError) as caught:
        module.named(File("in.txt"), output_uid="out.txt")
    hint = 'if it was moved or renamed: @file_creator(name="other:pipeline.named")'
    assert caught.value.hint.startswith(hint)
    # The hint does what it says.
    for name in ("named", "process"):
        text = text.replace(
            f"@file_creator\ndef {name}",
            f'@file_creator(name="other:pipeline.{name}")\ndef {name}',
        )
    calls(load, caplog, folder, text, "steps")
    why = load("steps", _folder=folder, steps=PIPELINE.replace("* int(", "* 1 * int("))
    assert (
        'if it was moved or renamed: @file_creator(name="other:pipeline.process")'
        in why.process.why(File("in.txt")).reason
    )


def test_many_misses_cost_no_more_listings(load, caplog, folder, lake, monkeypatch):
    folder.mkdir()
    add_pyproject(folder)
    forget()
    module = load("pipeline", _folder=folder, pipeline=PIPELINE)
    from radops.pipeline import earlier  # noqa: PLC0415

    looked = []
    real = earlier.results.find_by_key
    monkeypatch.setattr(
        earlier.results, "find_by_key", lambda *given: looked.append(1) or real(*given)
    )
    for rate in range(1, 31):
        module.process.is_cached(File("in.txt"), rate=float(rate))
    thirty = len(looked)
    module.process.is_cached(File("in.txt"), rate=0.0)
    # One look under the present name is all that is left.
    assert len(looked) - thirty == 1
