"""The reference page's walkthrough: every command and program on it, as written.

On one machine with nothing configured; and on two machines that share a folder or a bucket.
The commands are those that `docs/walkthrough.md` shows: one that the page does not show fails.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from shell import Machine, Result
    from walkthrough.places import Place, World

BOTH_LINES = "this is some data\nadditional data\n"
BOXES = """\
╭────────────────────────╮    ╭──────────────────────────────╮    ╭────────────────────────────────────╮
│ input files            │    │ creation method              │    │ output                             │
│                        │ -> │                              │ -> │                                    │
│  name_in_datalake.txt  │    │  function  __main__.process  │    │  uid         processed_file.txt    │
╰────────────────────────╯    │                              │    │  originator  user@striveworks.com  │
                              ╰──────────────────────────────╯    ╰────────────────────────────────────╯
"""  # noqa: E501


def listed(result: Result) -> list[str]:
    """The names of a listing in a terminal, whatever their layout."""
    return re.findall(r"[\w./-]+", result.out)


def add_sample_file(world: World, machine: Machine) -> None:
    machine.run(world.shown('echo "this is some data" > ./myfile.txt')).check()
    machine.run(world.shown("radops datalake add ./myfile.txt name_in_datalake.txt --copy")).check()


def test_every_line_of_the_page_on_one_machine(world: World, place: Place) -> None:
    machine = world.machine("first", place)
    ls = world.shown("radops datalake ls")
    assert listed(machine.run(ls, terminal=True).check()) == []

    add_sample_file(world, machine)
    assert (machine.cwd / "myfile.txt").read_text() == "this is some data\n"
    result = machine.run(ls, terminal=True).check()
    assert listed(result) == ["name_in_datalake.txt"]
    assert machine.run(ls).check().out == "name_in_datalake.txt\n"

    info = machine.run(world.shown("radops datalake info name_in_datalake.txt"), terminal=True)
    assert "name_in_datalake.txt" in info.check().out

    machine.write("reading.py", world.program("reading"))
    assert machine.run("python reading.py").check().out.splitlines()[0] == "this is some data"

    commit = world.project(machine)
    run = machine.run("python pipeline.py").check()
    assert run.out.rstrip("\n") + "\n" == BOTH_LINES
    assert "skip" not in run.err.lower()

    result = machine.run(
        world.shown("radops datalake info processed_file.txt"), terminal=True, columns=120
    ).check()
    assert "\n".join(map(str.rstrip, result.out.splitlines())).startswith(BOXES)
    lines = result.out.splitlines()
    link = f"https://github.com/striveworks/radops/blob/{commit}/pipeline.py#L5"
    assert f"creation method code: {link}" in lines
    assert [line for line in lines if line.startswith("radops version: ")]

    again = machine.run("python pipeline.py").check()
    assert again.out == run.out
    assert re.search(r"skipp.*process|process.*skipp", again.err), again.err


def test_a_second_machine_skips_and_downloads_only_what_it_reads(
    world: World, remote_place: Place
) -> None:
    first = world.machine("first", remote_place)
    add_sample_file(world, first)
    world.project(first)
    first.run("python pipeline.py").check()
    source, made = (
        json.loads(first.run(f"radops datalake info {uid} --json").check().out)["digest"]
        for uid in ("name_in_datalake.txt", "processed_file.txt")
    )

    second = world.machine("second", remote_place)
    before = second.run(world.shown("radops datalake ls"), terminal=True).check()
    assert listed(before) == ["name_in_datalake.txt", "processed_file.txt"]
    assert before.italic == ["name_in_datalake.txt", "processed_file.txt"]
    assert before.bold == []

    world.project(second)
    with remote_place.counting(second) as fetched:
        run = second.run("python pipeline.py", terminal=True, split=True).check()
    assert run.out.rstrip("\n") + "\n" == BOTH_LINES
    assert re.search(r"skipp.*process|process.*skipp", run.err), run.err
    assert fetched(made) > 0
    assert fetched(source) == 0, "the input is not needed and must not be fetched"

    after = second.run(world.shown("radops datalake ls"), terminal=True).check()
    assert after.italic == ["name_in_datalake.txt"]
    assert after.bold == ["processed_file.txt"]
    info = second.run("radops datalake info processed_file.txt", terminal=True).check()
    assert info.out.startswith(BOXES.splitlines()[0])


def test_implicit_uids_are_made_once(world: World, place: Place) -> None:
    first = world.machine("first", place)
    add_sample_file(world, first)
    first.write("implicit.py", world.program("implicit"))
    run = first.run("python implicit.py").check()
    assert run.out.rstrip("\n") + "\n" == BOTH_LINES
    again = first.run("python implicit.py").check()
    assert again.out == run.out
    assert re.search(r"skipp.*process|process.*skipp", again.err)

    assert listed(first.run("radops datalake ls", terminal=True)) == ["name_in_datalake.txt"]
    names = first.run("radops datalake ls -a -r").check().out.split()
    [generated] = [name for name in names if name.startswith(".generated_uids/")]
    assert re.fullmatch(r"\.generated_uids/[0-9a-f]{64}_0", generated)

    if place.remote:
        second = world.machine("second", place)
        second.write("implicit.py", world.program("implicit"))
        elsewhere = second.run("python implicit.py").check()
        assert elsewhere.out == run.out
        assert re.search(r"skipp.*process|process.*skipp", elsewhere.err)
        assert second.run("radops datalake ls -a -r").check().out.split() == names


def test_a_uid_that_was_not_given_is_an_error_and_nothing_is_made(
    world: World, place: Place
) -> None:
    machine = world.machine("first", place)
    add_sample_file(world, machine)
    wrong = world.program("pipeline").replace("File(output_uid)", 'File("another_name.txt")')
    machine.write("pipeline.py", wrong)
    run = machine.run("python pipeline.py")
    assert run.status == 1
    assert "CreatorError" in run.err
    assert "another_name.txt" in run.err
    assert machine.run("radops datalake ls -a -r").check().out == "name_in_datalake.txt\n"


def test_what_was_made_alone_is_carried_into_a_remote_with_its_lineage(
    world: World, remote_place: Place
) -> None:
    first = world.machine("first", world.alone)
    add_sample_file(world, first)
    commit = world.project(first)
    first.run("python pipeline.py").check()
    first.write("implicit.py", world.program("implicit"))
    first.run("python implicit.py").check()
    info = "radops datalake info processed_file.txt --json"
    before = json.loads(first.run(info).check().out)

    remote_place.configure(first)
    warned = first.run("radops datalake ls").check()
    assert "radops datalake sync" in warned.err
    first.run("radops datalake sync").check()
    assert first.run("radops datalake ls").check().err == ""
    assert first.run("radops datalake sync").check().out == "", "there is nothing left to publish"

    second = world.machine("second", remote_place)
    listing = second.run("radops datalake ls", terminal=True).check()
    assert listing.italic == ["name_in_datalake.txt", "processed_file.txt"]
    after = json.loads(second.run(info).check().out)
    local = {"local"}
    assert {k: v for k, v in after.items() if k not in local} == {
        k: v for k, v in before.items() if k not in local
    }
    assert commit in json.dumps(after)

    world.project(second)
    second.write("implicit.py", world.program("implicit"))
    for program in ("pipeline.py", "implicit.py"):
        run = second.run(f"python {program}").check()
        assert run.out.rstrip("\n") + "\n" == BOTH_LINES
        assert re.search(r"skipp.*process|process.*skipp", run.err)


@pytest.mark.parametrize("columns", [80, 120])
def test_info_fits_its_terminal(world: World, columns: int) -> None:
    machine = world.machine("first", world.alone)
    add_sample_file(world, machine)
    world.project(machine)
    machine.run("python pipeline.py").check()
    info = machine.run(
        "radops datalake info processed_file.txt", terminal=True, columns=columns
    ).check()
    boxes = [line for line in info.out.splitlines() if line.strip() and line.strip()[0] in "╭│╰"]
    assert boxes
    assert max(map(len, boxes)) <= columns
    assert ("->" in info.out) is (columns == 120)
