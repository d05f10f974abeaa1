"""Tables of contents of directories that are not here: pages are fetched together."""

from __future__ import annotations

import pytest

from directories.lakes import fill, record_of, tree_of
from radops.repository.trees.parts import read_parts


@pytest.fixture
def cold(make_lake, shared, tmp_path):
    """A directory of several pages, on a machine that has nothing of it; and what is fetched."""
    files = {f"{n % 20:02}/{n:05}": b"%d" % (n % 50) for n in range(20_000)}
    fill(tmp_path / "many", files)
    make_lake("one", remote=shared).add(tmp_path / "many", "many")
    lake = make_lake("two", remote=shared)
    directory = lake.directory("many")
    reader = lake.session.lake.reader
    fetched: list[int] = []
    fetch = reader.fetch

    def counting(objects, count):
        fetched.append(len(objects))
        fetch(objects, count)

    reader.fetch = counting
    return directory, fetched


def test_pages_of_a_listing_come_in_one_batch(cold):
    directory, fetched = cold
    assert directory.ls() == [f"{n:02}/" for n in range(20)]
    root, pages = fetched
    assert (root, pages > 3) == (1, True)
    assert len(directory.ls("07")) == 1000
    assert len(fetched) <= 3


def test_one_folder_fetches_its_own_pages(cold):
    directory, fetched = cold
    assert len(directory.ls("07")) == 1000
    assert sum(fetched) <= 3


@pytest.fixture
def here(make_lake, tmp_path):
    """A lake with a directory of several pages, and what that consists of."""
    fill(tmp_path / "many", {f"{n:05}": b"%d" % (n % 50) for n in range(20_000)})
    lake = make_lake()
    lake.add(tmp_path / "many", "many")
    record = record_of(lake, "many")
    return lake, read_parts(lake.session.lake.local.backend, record.digest, record.layout)


def damage(path):
    size = path.stat().st_size
    path.chmod(0o644)
    path.write_bytes(bytes(size))


def test_whether_all_of_it_is_here_is_told_without_reading_pages(here, tmp_path):
    lake, parts = here
    (pack,) = tree_of(lake, "many").sources()
    assert len(parts.pages) > 6
    for digest, _ in parts.pages:
        damage(lake.session.store.object_path(digest))
    assert lake.info("many").local
    (shown,) = lake.ls("many")
    assert shown.local
    for digest, _ in (parts.pages[0], pack):
        path = lake.session.store.object_path(digest)
        path.rename(tmp_path / "away")
        assert not lake.info("many").local
        (tmp_path / "away").rename(path)
    assert lake.info("many").local


@pytest.mark.parametrize("spoil", [damage, lambda path: path.unlink()], ids=["damaged", "gone"])
def test_without_its_source_list_the_pages_tell(here, spoil):
    lake, parts = here
    (found,) = parts.lists
    spoil(lake.session.store.object_path(found.digest))
    assert lake.info("many").local
    (pack,) = tree_of(lake, "many").needed()
    lake.session.store.object_path(pack[0]).unlink()
    assert not lake.info("many").local
