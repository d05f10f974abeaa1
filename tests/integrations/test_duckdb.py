"""DuckDB on a lake, by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import fsspec
import pytest

from integrations.places import MIB, fetched
from integrations.tables import COLUMN_BYTES, ROWS, write_lake
from radops.data_lake import Directory, File

if TYPE_CHECKING:
    from servers.proxy import FaultProxy
    from servers.server import S3Server


@pytest.fixture(scope="module")
def bucket(seaweedfs: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_lake(tmp_path_factory.mktemp("tables"), seaweedfs)


def test_tables_in_a_bucket(make_lake, remote: str, faulty_seaweedfs: FaultProxy) -> None:
    lake = make_lake("reader", remote=remote)
    with lake.duckdb(duckdb.connect()) as con:
        assert con.sql("select count(*) from 'radops://tab/*.parquet'").fetchall() == [(2 * ROWS,)]
        assert fetched(faulty_seaweedfs) <= 4 * MIB  # footers only
        faulty_seaweedfs.reset()
        total = con.sql("select sum(c00) from 'radops://tab/1.parquet'").fetchall()
        assert total == [(sum(range(ROWS, 2 * ROWS)),)]
        assert fetched(faulty_seaweedfs) <= COLUMN_BYTES + 3 * MIB
        found = con.sql("select max(c00) from 'radops://parts/*.parquet'").fetchall()
        assert found == [(1999,)]


def test_other_formats_and_another_lake(lake, make_lake) -> None:
    File("rows.json").write_text('[{"a": 1}, {"a": 2}]')
    File("rows.csv").write_text("a,b\n1,x\n2,y\n")
    with Directory("in/a").staged() as folder:
        (folder / "1.csv").write_text("a\n5\n")
    with lake.duckdb(duckdb.connect()) as con:
        assert con.sql("select sum(a) from read_json('radops://rows.json')").fetchall() == [(3,)]
        assert con.sql("select b from 'radops://rows.csv' where a = 2").fetchall() == [("y",)]
        assert con.sql("select a from 'radops://in/a/*.csv'").fetchall() == [(5,)]
        other = make_lake("other")
        other.file("rows.csv").write_text("a\n9\n")
        other.duckdb(con)
        assert con.sql("select a from 'radops://rows.csv'").fetchall() == [(9,)]
        with pytest.raises(Exception, match=r"none\.csv"):
            con.sql("select * from 'radops://none.csv'")


def test_it_is_registered_as_any_file_system_of_fsspec(lake) -> None:
    File("rows.csv").write_text("a\n1\n2\n")
    with duckdb.connect() as con:
        con.register_filesystem(fsspec.filesystem("radops"))
        assert con.sql("select sum(a) from 'radops://rows.csv'").fetchall() == [(3,)]


# The last of two million rows cannot be computed.
FAILS_AT_ITS_END = """
    select case when range < 1999999 then range::varchar else error('boom') end a
    from range(2000000)
"""


def test_what_duckdb_would_write_in_part_is_refused(lake) -> None:
    """It closes a file in the same way whether a query succeeded or failed."""
    File("in.csv").write_text("a\n1\n")
    with lake.duckdb(duckdb.connect()) as con:
        for query in (FAILS_AT_ITS_END, "select 1 a"):
            for name in ("out.csv", "out.parquet"):
                with pytest.raises(Exception, match=r"DuckDB .* local path.*staged\(\)"):
                    con.execute(f"copy ({query}) to 'radops://{name}'")
                assert not File(name).exists()
        with File("out.csv").staged() as path:
            con.execute(f"copy (from 'radops://in.csv') to '{path}'")
        assert con.sql("select sum(a) from 'radops://out.csv'").fetchall() == [(1,)]
    with fsspec.filesystem("radops").open("still.txt", "w") as stream:
        stream.write("file systems that are not registered with DuckDB write")
    assert File("still.txt").exists()
