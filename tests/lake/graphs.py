"""Files that were made from others."""

from __future__ import annotations

from radops.data_lake import File, file_creator


@file_creator(name="team.join")
def join(files: list[File], output_uid: str, *, rate: float = 0.5) -> File:
    out = File(output_uid)
    out.write_text("".join(file.read_text() for file in files) + str(rate))
    return out


@file_creator(name="team.look")
def look(output_uid: str) -> File:
    out = File(output_uid)
    out.write_text(File("b").read_text())
    return out


def diamond() -> None:
    """a and b give ab; a and ab give c; nothing else."""
    File("a").write_text("a")
    File("b").write_text("b")
    join([File("a"), File("b")], "ab")
    join([File("a"), File("ab")], "c", rate=2.0)
