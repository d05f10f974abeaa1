"""The runner of the documentation's pages: parsing, splitting, comparing, failing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from pages import PageError, Runner, commands, matches, parse
from shell import Machine

if TYPE_CHECKING:
    from pathlib import Path


def test_fences_markers_and_hidden_commands_are_found_in_order() -> None:
    page = textwrap.dedent(
        """\
        text
        ```shell
        ls
        ```
        <!-- run: file=a/b.py on=second -->
        ```python
        x = 1
        ```
        <!-- hidden on=second:
        true
        -->
        1. a list

            ```shell
            indented
            ```
        """
    )
    found = [(b.language, b.text, b.line, dict(b.options), b.hidden) for b in parse(page)]
    assert found == [
        ("shell", "ls\n", 2, {}, False),
        ("python", "x = 1\n", 6, {"file": "a/b.py", "on": "second"}, False),
        ("shell", "true", 9, {"on": "second"}, True),
        ("shell", "indented\n", 14, {}, False),
    ]


@pytest.mark.parametrize(
    "page", ["<!-- run: fiel=x -->\n```\n```\n", "<!-- run: file=x -->\ntext\n"]
)
def test_a_marker_that_means_nothing_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse(page)


def test_commands_are_split_at_lines_but_not_inside_constructs() -> None:
    text = textwrap.dedent(
        """\
        # a comment alone is no command
        one

        two \\
          --more
        cat <<END
        for nobody
        END
        for x in 1 2; do
          echo $x
        done
        if true; then echo; fi
        """
    )
    assert commands(text) == [
        "one",
        "two \\\n  --more",
        "cat <<END\nfor nobody\nEND",
        "for x in 1 2; do\n  echo $x\ndone",
        "if true; then echo; fi",
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a\nb", "a  \nb\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb\n", False),
        ("...\nb", "x\ny\nb\n", True),
        ("a\n...", "a\n", True),
        ("size ... bytes", "size 12 bytes", True),
        ("size ... bytes", "size 12\nbytes", False),
        ("made 2026-01-02T03:04:05Z in 1.5 s", "made 2031-11-12T13:14:15.5Z in 0.01 s", True),
        ("https://x/blob/" + "a" * 40, "https://x/blob/" + "1" * 40, True),
        ("radops version: 0.1.0", "radops version: 0.2.dev1+g12", True),
    ],
)
def test_outputs_are_compared_up_to_what_varies(expected: str, actual: str, same: bool) -> None:
    assert matches(expected, actual) is same


@pytest.fixture
def run(tmp_path: Path):
    def run(page: str, **options: object) -> Runner:
        path = tmp_path / "page.md"
        path.write_text(textwrap.dedent(page))
        runner = Runner(path, lambda name: Machine(tmp_path / name), **options)
        runner.run()
        return runner

    return run


def test_a_page_runs_with_one_memory_per_machine(run) -> None:
    runner = run(
        """
        <!-- run: file=program.py -->
        ```python
        print("saved")
        ```
        ```shell
        export WORD=kept
        mkdir -p folder && cd folder
        echo $WORD
        python ../program.py
        ```
        <!-- run: output -->
        ```
        saved
        ```
        <!-- run: on=second -->
        ```shell
        echo "[$WORD]"
        ```
        <!-- run: output -->
        ```
        []
        ```
        <!-- run: when=bucket -->
        ```shell
        false
        ```
        <!-- run: skip="never" -->
        ```shell
        false
        ```
        <!-- run: exit=3 -->
        ```shell
        exit 3
        ```
        """
    )
    assert [result.status for result in runner.results] == [0, 0, 0, 0, 0, 3]
    assert runner.results[2].out == "kept\n"


@pytest.mark.parametrize(
    "page",
    [
        "```shell\nfalse\n```\n",
        "```shell\nfalse\ntrue\n```\n",
        "<!-- run: exit=1 -->\n```shell\ntrue\n```\n",
        "```shell\necho a\n```\n<!-- run: output -->\n```\nb\n```\n",
        '```python\nraise SystemExit("no")\n```\n',
        "<!-- hidden:\nfalse\n-->\n",
        '```shell\necho a\n```\n<!-- run: output bold="a" -->\n```\na\n```\n',
    ],
)
def test_a_page_that_is_not_true_fails_with_its_line(run, page: str) -> None:
    with pytest.raises(PageError, match=r"page\.md, line \d+: "):
        run(page)


def test_words_are_replaced_for_this_machine_in_commands_and_outputs(run) -> None:
    runner = run(
        "```shell\necho s3://my-bucket\n```\n<!-- run: output -->\n```\ns3://my-bucket\n```\n",
        replace={"my-bucket": "test-1"},
    )
    assert runner.results[0].out == "s3://test-1\n"
