"""What goes wrong with memoisation that looks at names and arguments only."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

STEP = """
from radops.data_lake import File, file_creator
{imports}

@file_creator{options}
def process(f: File, *, rate: float = {default}) -> File:
    out = File()
    out.write_text({value})  # {comment}
    return out

if __name__ == "__main__":
    f = File("in.txt")
    if not f.exists():
        f.write_text("in")
    print(process(f).read_text())
"""


class Project:
    """A project with a script, run again and again in one home."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home
        root.mkdir()
        (root / "pyproject.toml").write_text(f'[project]\nname = "{root.name}"\n')

    def run(self, **parts: str) -> tuple[str, str]:
        given = {
            "imports": "",
            "options": "",
            "default": "0.5",
            "value": "f'{rate}'",
            "comment": "a comment",
            **parts,
        }
        (self.root / "pipeline.py").write_text(STEP.format(**given))
        done = subprocess.run(
            [sys.executable, "pipeline.py"],
            cwd=self.root,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home), "RADOPS_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip(), done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "one", tmp_path / "home")


def test_two_projects_have_functions_of_one_name(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "two", project.home)
    assert project.run(value="'of one'")[0] == "of one"
    assert other.run(value="'of two'")[0] == "of two"
    assert project.run(value="'of one'")[0] == "of one"


def test_a_changed_default_is_another_call(project: Project) -> None:
    assert project.run(default="0.5")[0] == "0.5"
    assert project.run(default="0.7")[0] == "0.7"


def test_a_changed_comment_is_neither_a_miss_nor_a_warning(project: Project) -> None:
    project.run(options="(track_code=True)")
    said = project.run(options="(track_code=True)", comment="another")[1]
    assert "skipping" in said
    assert "has changed" not in said


@pytest.mark.parametrize("tracked", [True, False])
def test_a_changed_helper_in_another_module_is_noticed(project: Project, tracked: bool) -> None:
    parts = {
        "imports": "import helper",
        "value": "helper.text()",
        "options": "(track_code=True)" if tracked else "",
    }
    (project.root / "helper.py").write_text("def text():\n    return 'before'\n")
    assert project.run(**parts)[0] == "before"
    (project.root / "helper.py").write_text("def text():\n    return 'afterwards'\n")
    value, said = project.run(**parts)
    if tracked:
        assert value == "afterwards"
    else:
        assert value == "before"
        assert "text (helper.py), which __main__.process uses, has changed since it made" in said
