"""`radops datalake verify`."""

from __future__ import annotations

import re

import pytest

MIB = 1024 * 1024


def objects(cli):
    return sorted((cli.home / "storage" / "objects").glob("*/*"), key=lambda p: p.stat().st_size)


def change(path, data: bytes, at: int = 0) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
    path.chmod(0o444)


@pytest.fixture
def lake(cli):
    """A lake with a small file and one of three blocks, and a shared folder behind it."""
    (cli.folder / "shared").mkdir()
    cli.ok("config", "setup", "--remote", (cli.folder / "shared").as_uri(), "--yes")
    (cli.folder / "small.txt").write_text("small\n")
    (cli.folder / "big.bin").write_bytes(bytes(range(256)) * (3 * MIB // 256))
    cli.ok("datalake", "add", "small.txt", "sets/small.txt")
    cli.ok("datalake", "add", "big.bin", "sets/big.bin")
    return cli


def test_a_whole_lake(lake) -> None:
    result = lake.ok("datalake", "verify")
    assert result.out == ""
    assert re.fullmatch(r"checked 2 files, 3\.0 MiB in \d+\.\d s; 0 problems\n", result.err)
    assert lake.ok("datalake", "verify", "--quiet").err == ""


def test_json_of_a_whole_lake(lake) -> None:
    document = lake.ok("datalake", "verify", "--json").json
    assert document.pop("seconds") >= 0
    assert document == {
        "ok": True,
        "remote": False,
        "quick": False,
        "full": True,
        "files": 2,
        "objects": 2,
        "bytes": 3 * MIB + 6,
        "trusted": 0,
        "resumed": 0,
        "not_local": 0,
        "not_local_known": True,
        "bytes_fetched": 0,
        "bytes_sent": 0,
        "problems": 0,
        "findings": [],
    }


def test_a_flipped_byte_is_named_and_repaired(lake) -> None:
    change(objects(lake)[-1], b"X", MIB + 7)
    result = lake("datalake", "verify")
    assert result.code == 1
    assert result.out == "sets/big.bin: wrong bytes: bytes 1,048,576 to 2,097,151 (1.0 MiB)\n"
    assert "; 1 problem\nhint: radops datalake verify --repair\n" in result.err

    result = lake.ok("datalake", "verify", "--repair")
    assert result.out == (
        "sets/big.bin: wrong bytes: bytes 1,048,576 to 2,097,151 (1.0 MiB);"
        " repaired: 1,048,576 bytes fetched from the remote\n"
    )
    assert result.err.endswith("; 1 repaired; 0 problems\n")
    assert lake.ok("datalake", "verify").out == ""


def test_json_of_a_finding(lake) -> None:
    bad = objects(lake)[-1]
    change(bad, b"X", MIB + 7)
    result = lake("datalake", "verify", "--json")
    assert result.code == 1
    (finding,) = result.json["findings"]
    assert finding == {
        "kind": "bytes",
        "uids": ["sets/big.bin"],
        "digest": bad.parent.name + bad.name,
        "path": str(bad),
        "message": "wrong bytes",
        "hint": "radops datalake verify --repair",
        "ranges": [[MIB, 2 * MIB]],
        "repaired": False,
        "repair": None,
        "inner": [],
        "inner_count": 0,
    }
    repaired = lake.ok("datalake", "verify", "--repair", "--json").json
    assert repaired["ok"]
    assert repaired["bytes_fetched"] == MIB


def test_what_is_not_local(lake) -> None:
    lake.ok("datalake", "delete-local", "sets/big.bin")
    assert "; 1 not local; 0 problems" in lake.ok("datalake", "verify", "sets/").err
    result = lake("datalake", "verify", "sets/", "--complete")
    assert (result.code, result.out) == (1, "sets/big.bin: is not on this machine\n")
    assert "hint: radops datalake download sets/big.bin\n" in result.err


def test_what_is_not_local_is_counted_in_a_home_that_knows_nothing(lake, tmp_path) -> None:
    lake.env["RADOPS_HOME"] = str(tmp_path / "another")
    lake.ok("config", "setup", "--remote", (lake.folder / "shared").as_uri(), "--yes")
    assert "checked 0 files" in (result := lake.ok("datalake", "verify")).err
    assert "; 2 not local; 0 problems" in result.err
    quick = lake.ok("datalake", "verify", "--quick").err
    assert "; files only in the remote were not counted; 0 problems" in quick


def test_quick_says_what_it_trusted(lake) -> None:
    lake.ok("datalake", "verify")
    assert "2 unchanged since their last check" in lake.ok("datalake", "verify", "--quick").err


def test_the_remote(lake) -> None:
    result = lake.ok("datalake", "verify", "--remote")
    assert "sizes only, --full reads all bytes; 0 problems" in result.err
    shared = sorted((lake.folder / "shared/objects").glob("*/*"), key=lambda p: p.stat().st_size)
    change(shared[0], b"SMALL")
    result = lake("datalake", "verify", "--remote", "--full")
    assert (result.code, result.out) == (1, "sets/small.txt: wrong bytes: bytes 0 to 5 (6 B)\n")
    assert "hint: radops datalake verify --remote --repair\n" in result.err
    lake.ok("datalake", "verify", "--remote", "--full", "--repair")
    assert lake.ok("datalake", "verify", "--remote", "--full", "--json").json["ok"]


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["nothing"], "not-found", 3),
        (["nothing/"], "not-found", 3),
        (["--full", "--quick"], "usage", 2),
        (["--remote", "--quick"], "usage", 2),
        (["--remote", "--offline"], "remote-unavailable", 6),
    ],
)
def test_refusals(lake, arguments: list[str], code: str, exit_code: int) -> None:
    result = lake("datalake", "verify", *arguments, "--json")
    assert (result.code, result.error["code"]) == (exit_code, code)


def test_help_has_an_example(cli) -> None:
    assert (
        "radops datalake verify datasets/ --complete" in cli.ok("datalake", "verify", "--help").out
    )


def test_a_hint_is_given_once_for_all_files_that_it_fits(lake) -> None:
    lake.ok("datalake", "delete-local", "sets/")
    result = lake("datalake", "verify", "--complete")
    assert result.code == 1
    assert len(result.lines) == 2
    assert result.err.splitlines()[1:] == ["hint: radops datalake download UID (for 2 files)"]
    one = lake("datalake", "verify", "sets/small.txt", "--complete")
    assert one.err.splitlines()[1:] == ["hint: radops datalake download sets/small.txt"]


def test_many_files_with_one_problem_are_one_hint(lake) -> None:
    for path in objects(lake):
        change(path, b"X")
    result = lake("datalake", "verify")
    assert len(result.lines) == 2
    assert result.err.splitlines()[1:] == ["hint: radops datalake verify --repair"]


def test_what_cannot_be_repaired_leaves_the_advice(cli) -> None:
    for name in ("a", "b"):
        (cli.folder / name).write_text(name)
        cli.ok("datalake", "add", name)
    for path in objects(cli):
        change(path, b"X")
        path.chmod(0o644)
    result = cli("datalake", "verify", "--repair")
    assert result.code == 1
    assert sum("not repaired: there is no remote" in line for line in result.lines) == 2
    assert sum("repaired: moved away, as its bytes are wrong" in line for line in result.lines) == 2
    assert result.err.endswith(
        "2 problems\nhint: no remote holds it: restore it from a backup of local storage,"
        " or make it again\n"
    )
