"""Objects that a bucket has put into an archive: one of them does not stop a whole download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from radops.errors import RemoteRefusedError
from servers.http_faults import Answer

if TYPE_CHECKING:
    from servers.proxy import FaultProxy


@pytest.mark.parametrize("size", [10, 3 << 20])
def test_an_archived_object_is_named_and_the_others_come(
    make_lake, faulty_seaweedfs: FaultProxy, write, size: int
) -> None:
    proxy = faulty_seaweedfs
    remote = f"s3://{proxy.server.new_bucket()}/lake?endpoint_url={proxy.endpoint_url}"
    lake = make_lake("one", remote=remote)
    names = [f"set/{number}.bin" for number in range(6)]
    lake.add_many((write(name, bytes([n]) * size), name) for n, name in enumerate(names))
    archived = lake.info(names[2]).digest
    proxy.inject(Answer(403, "InvalidObjectState"), method="GET", key=archived.path, times=None)
    other = make_lake("two", remote=remote)
    with pytest.raises(RemoteRefusedError, match="archived") as error:
        other.download("set/")
    assert str(error.value).startswith(f"{names[2]}: object {archived}: ")
    assert "restore it" in (error.value.hint or "")
    assert [name for name in names if not other.file(name).is_local()] == [names[2]]
    proxy.reset()
    assert len(other.download("set/")) == 6
