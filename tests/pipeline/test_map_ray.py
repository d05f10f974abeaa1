"""Many calls on a real Ray cluster of processes."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed: make test-torch")

from clusters import running_ray  # noqa: E402 - after Ray was looked for
from radops.errors import CallsFailedError, UsageError  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.data_lake import DataLake

HERE = str(Path(__file__).parent)

# What Ray itself warns of.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The user's module, which Ray's processes can import too."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", HERE, prepend=os.pathsep)
    import many_program  # noqa: PLC0415

    return many_program


@pytest.fixture
def cluster(module: Any) -> Iterator[Any]:
    """What `ray.init` returns; the module is found by its processes, as it was there before."""
    with running_ray() as context:
        yield context


def test_calls_on_ray(lake: DataLake, module: Any, cluster: Any, tmp_path: Path) -> None:
    folder = tmp_path / "ran"
    folder.mkdir()

    def ran() -> list[int]:
        return sorted(int(path.name.split(".")[0]) for path in folder.iterdir())

    with pytest.raises(CallsFailedError, match="2 of 10 calls failed") as caught:
        module.square.map(range(10), executor=ray, folder=str(folder), bad=3, in_flight=4)
    error = caught.value
    assert [(one.index, one.args) for one in error.failures] == [(3, (3,)), (8, (8,))]
    assert {type(one.error) for one in error.failures} == {ValueError}
    assert "no 8" in str(pickle.loads(pickle.dumps(error)).failures[1])
    assert ran() == list(range(10))
    # What was computed is not computed again; what ray.init() returned will do as well.
    files = module.square.map([0, 1, 4], executor=cluster, folder=str(folder), bad=3)
    assert [file.read_text() for file in files] == ["0", "1", "16"]
    assert ran() == list(range(10))
    future = module.square.submit(ray, 20, folder=str(folder))
    assert future.result().read_text() == "400"


def test_ray_that_does_not_run_is_refused(lake: DataLake, module: Any, tmp_path: Path) -> None:
    assert not ray.is_initialized()
    with pytest.raises(UsageError, match="Ray is not running"):
        module.square.map([1], executor=ray, folder=str(tmp_path))
