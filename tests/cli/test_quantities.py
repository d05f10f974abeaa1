"""Durations and sizes as people type them."""

from __future__ import annotations

import pytest

from radops.cli.main import main
from radops.cli.quantities import duration, human_duration, size


def test_quantities():
    assert [duration(text) for text in ("0s", "45s", "90m", "12h", "30d", "2w", "1.5h")] == [
        0,
        45,
        5400,
        43200,
        2592000,
        1209600,
        5400,
    ]
    assert [size(text) for text in ("0B", "1kB", "1KB", "500GB", "1.5TiB", "2MiB")] == [
        0,
        1000,
        1000,
        500 * 10**9,
        3 * 2**39,
        2 * 2**20,
    ]
    seconds = (0, 0.5, 90, 5400, 86400, 172800, 2592000)
    assert [human_duration(one) for one in seconds] == [
        "0s", "0.5s", "90s", "90m", "24h", "2d", "30d",
    ]  # fmt: skip


WHOLE = [
    ("verify --jobs", "--jobs", "from 1 to 1024"),
    ("add x --jobs", "--jobs", "from 1 to 1024"),
    ("download x --jobs", "--jobs", "from 1 to 1024"),
    ("sync --jobs", "--jobs", "from 1 to 1024"),
    ("lineage x --depth", "--depth", "from 0 on"),
    ("presigned-url x", "SECONDS", "from 1 to 604800"),
]


@pytest.mark.parametrize(("command", "name", "accepted"), WHOLE)
def test_numbers_that_cannot_be_used_name_those_that_can(
    clean_environment, capsys, command, name, accepted
):
    least = int(accepted.split()[1])
    wrong = ["x", "1.5", "", "1_0", "\u0664", "--", str(least - 1)]
    if "to" in accepted:
        wrong += [str(int(accepted.split()[-1]) + 1), "9" * 5000]
    for text in wrong:
        given = [*command.split()[:-1], f"{name}={text}"]
        if name == "SECONDS":
            given = [*command.split(), "--", text]
        assert main(["datalake", *given]) == 2
        err = capsys.readouterr().err
        assert name in err
        assert f"is not a whole number {accepted}" in err, (text, err)
        assert len(err) < 400


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("gc --grace", "12 h"),
        ("empty-quarantine --older-than", "1"),
        ("purge-local-storage --older-than", "30"),
        ("purge-local-storage --max-size", "5"),
    ],
)
def test_a_quantity_that_cannot_be_used_is_named_with_its_option(
    clean_environment, capsys, command, text
):
    assert main(["datalake", *command.split(), text]) == 2
    assert f"'{command.split()[-1]}': '{text}' is not a " in capsys.readouterr().err
