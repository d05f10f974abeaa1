"""`radops datalake sync`."""

from __future__ import annotations


def test_without_a_remote_there_is_nothing_to_sync_or_sign(sample):
    assert sample("datalake", "sync").code == 2
    assert sample("datalake", "presigned-url", "name.txt").code == 2


def test_names_that_others_took_meanwhile_stay_local_and_are_listed(machines):
    first, second = machines
    for machine in machines:
        (machine.folder / "x.txt").write_text(machine.folder.name)
        machine.ok("datalake", "ls")  # a machine that never met the lake would begin its own
    first.ok("datalake", "add", "x.txt")
    second.ok("datalake", "add", "x.txt", "--offline")
    result = second("datalake", "sync")
    assert result.code == 4
    assert "x.txt" in result.err
    assert "Traceback" not in result.err
    conflicts = second("datalake", "sync", "--json").json["conflicts"]
    assert [conflict["uid"] for conflict in conflicts] == ["x.txt"]
    assert set(conflicts[0]) == {"uid", "message", "hint"}
