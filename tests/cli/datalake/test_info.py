"""`radops datalake info`."""

from __future__ import annotations


def test_info_in_a_pipe_is_whole_and_plain(sample):
    out = sample.ok("datalake", "info", "name.txt").out
    assert "│  added from  myfile.txt  │" in out
    assert "\x1b" not in out
    assert "\nsize: 18 B\n" in out
    found = sample.ok("datalake", "info", "name.txt", "--json").json
    assert (found["uid"], found["size"], found["call"]) == ("name.txt", 18, None)


def test_info_has_no_code_where_there_is_none(sample):
    result = sample("datalake", "info", "name.txt", "--code")
    assert result.code == 1
    assert "was added, not made by code" in result.err


BOXES = """\
╭─────────────╮    ╭──────────────────────────────╮    ╭────────────────────────────────────╮
│ input files │    │ creation method              │    │ output                             │
│             │ -> │                              │ -> │                                    │
│  raw.txt    │    │  function  __main__.process  │    │  uid         made/first.txt        │
╰─────────────╯    │  rate      0.5               │    │  originator  user@striveworks.com  │
                   ╰──────────────────────────────╯    ╰────────────────────────────────────╯
"""


def test_info_draws_how_it_was_made(made):
    out = made.ok("datalake", "info", "made/first.txt").out
    assert out.startswith(BOXES)
    assert "\ncreation method code: " in out
    assert "\nradops version: 0.1.0\n" in out


def test_info_puts_boxes_below_each_other_in_a_narrow_terminal(made):
    lines = made.terminal("datalake", "info", "made/first.txt", columns=60).text.splitlines()
    below = lines.index("  ▼")  # after the lines of a bar, if it took long
    assert lines[below - 1] == "  │"
    assert max(map(len, lines[below - 6 : below + 12])) <= 60


def test_info_prints_the_code(made):
    out = made.ok("datalake", "info", "made/first.txt", "--code").out
    assert "def process(f: File, rate: float, output_uid: str) -> File:\n" in out


def test_info_has_it_all_as_json(made):
    call = made.ok("datalake", "info", "made/second.txt", "--json").json["call"]
    assert call["function"] == "__main__.process"
    assert [one["uid"] for one in call["inputs"]] == ["made/first.txt"]
    assert [one["uid"] for one in call["outputs"]] == ["made/second.txt"]
    assert "rate" in call["params"]
