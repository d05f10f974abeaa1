"""What every backend promises of `Backend.upload`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from backends.bodies import BytesPart, WrongBytesError, WrongPart, pattern
from backends.contract_base import ContractBase
from radops.backends.parts import MIB
from radops.errors import FileChangedError, LocalStorageError

if TYPE_CHECKING:
    from radops.backends.base import Backend


class UploadContract(ContractBase):
    multiple = 3 * MIB
    """Size of an upload of several parts; the fixtures' part size must be less."""

    @pytest.mark.parametrize("size", [0, 1, 100_000])
    def test_upload_in_one_part(self, backend: Backend, size: int) -> None:
        data = pattern(size)
        self.send(backend, "a/b", data)
        assert self.content(backend, "a/b") == data

    def test_upload_in_several_parts_out_of_order(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        assert upload.part_size % MIB == 0
        parts = self.parts(data, upload.part_size)
        assert len(parts) >= 3
        for number, part in [parts[-1], *parts[:-1]]:
            upload.write(number, part)
            assert backend.stat("a") is None
            assert self.keys(backend) == []
        upload.commit()
        backend.flush()
        assert self.content(backend, "a") == data
        with backend.open("a", upload.part_size - 5, 10) as reader:
            assert reader.read() == data[upload.part_size - 5 : upload.part_size + 5]

    def test_upload_parts_at_once(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda each: upload.write(*each), self.parts(data, upload.part_size)))
        upload.commit()
        assert self.content(backend, "a") == data

    def test_upload_replaces(self, backend: Backend) -> None:
        self.put(backend, "a")
        for size in (self.multiple, 10):
            self.send(backend, "a", pattern(size))
            assert self.content(backend, "a") == pattern(size)

    def test_a_part_written_again_replaces(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        parts = self.parts(data, upload.part_size)
        upload.write(1, BytesPart(bytes(len(parts[1][1]))))
        for number, part in parts:
            upload.write(number, part)
        upload.commit()
        assert self.content(backend, "a") == data

    def test_a_part_is_sent_from_its_start(self, backend: Backend) -> None:
        upload = backend.upload("a", 5)
        part = BytesPart(b"12345")
        part.seek(3)
        upload.write(0, part)
        upload.commit()
        assert self.content(backend, "a") == b"12345"

    def test_abort(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        for number, part in self.parts(data, upload.part_size):
            upload.write(number, part)
        upload.abort()
        upload.abort()
        assert self.keys(backend) == []
        with pytest.raises(ValueError, match="over"):
            upload.commit()
        with pytest.raises(ValueError, match="over"):
            upload.write(*self.parts(data, upload.part_size)[0])
        assert self.keys(backend) == []

    @pytest.mark.parametrize("several", [False, True])
    def test_abort_after_commit_does_nothing(self, backend: Backend, several: bool) -> None:
        data = pattern(self.multiple if several else 5)
        upload = backend.upload("a", len(data))
        for number, part in self.parts(data, upload.part_size):
            upload.write(number, part)
        upload.commit()
        upload.abort()
        assert self.content(backend, "a") == data

    def test_commit_wants_all_parts(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        parts = self.parts(data, upload.part_size)
        for number, part in parts[1:]:
            upload.write(number, part)
        with pytest.raises(ValueError, match="1 of"):
            upload.commit()
        assert self.keys(backend) == []
        upload.write(*parts[0])
        upload.commit()
        assert self.content(backend, "a") == data

    def test_no_such_part(self, backend: Backend) -> None:
        upload = backend.upload("a", 5)
        for number, size in [(-1, 5), (1, 5), (0, 4), (0, 6), (0, 0)]:
            with pytest.raises(ValueError, match="part"):
                upload.write(number, BytesPart(bytes(size)))
        upload.abort()
        assert self.keys(backend) == []

    @pytest.mark.parametrize("good_passes", [0, 1, 2])
    @pytest.mark.parametrize("several", [False, True])
    def test_a_part_that_raises(self, backend: Backend, several: bool, good_passes: int) -> None:
        passes = 1  # every backend reads a part once
        size = self.multiple if several else 300_000
        data = pattern(size)
        for error in (WrongBytesError("found wrong"), LocalStorageError("no disk"), OSError(5)):
            upload = backend.upload("a", size)
            parts = self.parts(data, upload.part_size)
            for number, part in parts[1:]:
                upload.write(number, part)
            wrong = parts[0][1].getvalue()
            bad = WrongPart(wrong, len(wrong) - 10, error, good_passes)
            if good_passes >= passes:
                upload.write(0, bad)
                upload.abort()
                continue
            with pytest.raises(type(error)) as caught:
                upload.write(0, bad)
            assert caught.value is error
            assert bad.raised == 1  # it was not tried again
            assert backend.stat("a") is None
            with pytest.raises(ValueError, match="not written"):
                upload.commit()
            upload.abort()
            assert self.keys(backend) == []

    def test_a_part_may_be_sent_well_after_it_raised(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        parts = self.parts(data, upload.part_size)
        with pytest.raises(WrongBytesError):
            upload.write(0, WrongPart(parts[0][1].getvalue(), 5, WrongBytesError()))
        for number, part in parts:
            upload.write(number, part)
        upload.commit()
        assert self.content(backend, "a") == data

    @pytest.mark.parametrize("real", [0, 99, 101])
    def test_a_part_that_has_not_its_length(self, backend: Backend, real: int) -> None:
        class Liar(BytesPart):
            def __len__(self) -> int:
                return 100

        upload = backend.upload("a", 100)
        with pytest.raises(FileChangedError):
            upload.write(0, Liar(bytes(real)))
        upload.abort()
        assert self.keys(backend) == []

    def test_remove_stale_leaves_an_upload_that_goes_on(self, backend: Backend) -> None:
        data = pattern(self.multiple)
        upload = backend.upload("a", len(data))
        upload.write(*self.parts(data, upload.part_size)[0])
        assert backend.remove_stale(3600) == 0
        for number, part in self.parts(data, upload.part_size)[1:]:
            upload.write(number, part)
        upload.commit()
        assert self.content(backend, "a") == data
