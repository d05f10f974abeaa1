"""Fixed values that the golden files pin, and strategies for random ones."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import uuid
import zoneinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath

from hypothesis import settings
from hypothesis import strategies as st

from radops.format.build import build_call, build_import
from radops.format.call import Call, CallInput, CallOutput, Code, Environment, Git
from radops.format.digest import Digest
from radops.format.uid import UID

GOLDEN = Path(__file__).parent.parent / "golden"

relaxed = settings(deadline=None)
"""Test machines are busy: a slow example says nothing."""
thorough = settings(deadline=None, max_examples=1000)


def digest(number: int) -> Digest:
    return Digest(bytes([number]) * 32)


NOW = dt.datetime(2026, 11, 22, 12, 21, 3, 456, tzinfo=dt.timezone.utc)
COMMIT_ID = bytes(range(16))

IMPORT = build_import(
    uid=UID("datasets/train.csv"),
    digest=digest(0x11),
    size=1234567,
    source="https://user:secret@example.org/train.csv?token=secret",
    created_at=NOW,
    originator="ada@example.org",
    radops_version="0.1.0",
    commit_id=COMMIT_ID,
)


def make_call(**changes: object) -> Call:
    values = {
        "key": digest(0x22),
        "module": "team.pipeline",
        "name": "split",
        "package_version": "1.2.3",
        "version": None,
        "params": {"rate": 0.5, "f": ["file", "datasets/train.csv"], "names": ["list", ["a", 1]]},
        "inputs": (CallInput("f", UID("datasets/train.csv"), digest(0x11), IMPORT.record_digest),),
        "reads": (),
        "outputs": (
            CallOutput(UID("splits/test.csv"), digest(0x33), 100, 1),
            CallOutput(UID("splits/train.csv"), digest(0x44), 200, 0),
        ),
        "code": Code(
            fingerprint=digest(0x55),
            source="def split(f): ...\n",
            run_as="__main__",
            git=Git(
                remote="git@github.com:org/repo.git",
                commit="0123456789abcdef0123456789abcdef01234567",
                path="team/pipeline.py",
                line=5,
                dirty=True,
                pushed=False,
                patch=digest(0x66),
            ),
        ),
        "environment": Environment(
            python="3.11.9", platform="linux-x86_64", distributions={"numpy": "2.1.0"}
        ),
        "started_at": "2026-11-22T12:21:00.000000Z",
        "seconds": 3.25,
    }
    return Call(**{**values, **changes})


CALL = make_call()
LONG_CALL = make_call(params={"text": "x" * 70000})


def records(call: Call = CALL, number: int = 0):
    return build_call(
        call=call,
        created_at=NOW,
        originator="ada@example.org",
        radops_version="0.1.0",
        number=number,
        commit_id=COMMIT_ID,
    )


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Level(enum.IntEnum):
    LOW = 1


class Mode(str, enum.Enum):
    FAST = "fast"


class Rights(enum.Flag):
    R = 1
    W = 2
    X = 4
    RX = 5


@dataclasses.dataclass
class Config:
    rate: float
    names: list[str]


@dataclasses.dataclass(frozen=True)
class Outer:
    config: Config
    path: Path | None = None


# Enums and dataclasses carry the module they are defined in, whatever this file is imported as.
MODULE = "team.types"

CANONICAL: dict[str, object] = {
    "None": None,
    "False": False,
    "True": True,
    "1": 1,
    "-1": -1,
    "2**63 - 1": 2**63 - 1,
    "-2**63": -(2**63),
    "2**63": 2**63,
    "-2**63 - 1": -(2**63) - 1,
    "10**30": 10**30,
    "1.0": 1.0,
    "0.0": 0.0,
    "-0.0": -0.0,
    "0.1": 0.1,
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "text": "1",
    "text with umlaut": "Käse",
    "empty text": "",
    "bytes": b"1",
    "list": [1, [2.0], "x"],
    "tuple": (1, (2.0,), "x"),
    "empty tuple": (),
    "set": {3, 1, "b", 2, "a", "aa", 1.5},
    "frozenset": frozenset({(2,), (1, 1)}),
    "dict": {"b": 1, "aa": 2, "a": [3], 1: None, (1,): True},
    "Decimal('1.50')": Decimal("1.50"),
    "Decimal('1.5')": Decimal("1.5"),
    "Decimal('-0')": Decimal("-0"),
    "Decimal('1E+7')": Decimal("1E+7"),
    "Decimal('-Infinity')": Decimal("-Infinity"),
    "Decimal('NaN')": Decimal("NaN"),
    "Decimal('sNaN12')": Decimal("sNaN12"),
    "Path('a/b')": Path("a/b"),
    "PurePosixPath('a/b')": PurePosixPath("a/b"),
    "UUID": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "Enum": Color.RED,
    "IntEnum": Level.LOW,
    "str Enum": Mode.FAST,
    "Flag": Rights.W,
    "Flag, named combination": Rights.R | Rights.X,
    "Flag, combination": Rights.W | Rights.R,
    "Flag, none": Rights(0),
    "dataclass": Outer(Config(0.5, ["a"]), Path("x")),
    "date": dt.date(2026, 11, 22),
    "naive datetime": dt.datetime(2026, 11, 22, 12, 21, 3),  # noqa: DTZ001
    "datetime in UTC": dt.datetime(2026, 11, 22, 12, 21, 3, 5, tzinfo=dt.timezone.utc),
    "datetime with offset": dt.datetime(
        2026, 11, 22, 12, tzinfo=dt.timezone(dt.timedelta(hours=-5, minutes=-30))
    ),
    "datetime with zone": dt.datetime(
        2026, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")
    ),
    "datetime with zone, fold": dt.datetime(
        2026, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1
    ),
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
bare = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | texts
    | st.binary(max_size=20)
)
cbor_values = st.recursive(
    bare,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=25,
)
