"""What bad input gets: a short error, the documented exit code, and nothing changed."""

from __future__ import annotations

import http.server
import os
import resource
import subprocess
import threading

import pytest

from privileges import stopped_by_permissions


@pytest.fixture
def lake(cli):
    (cli.folder / "a.txt").write_text("a")
    cli.ok("datalake", "add", "a.txt")
    return cli


def files_of(cli) -> set[str]:
    """All files of the home: what nothing may be added to, nor left behind in."""
    return {
        os.path.join(folder, name)
        for folder, _, names in os.walk(cli.home)
        for name in names
        if not name.startswith("catalog.sqlite")
    }


def slot(cli, uid: str):
    (found,) = cli.home.glob(f"storage/lakes/*/refs/{uid}.radops")
    return found


class Liar(http.server.BaseHTTPRequestHandler):
    """Serves `/half`, which ends too early, `/gone`, `/broken`, and `/fine`."""

    def do_GET(self) -> None:
        if self.path == "/fine?token=SECRET":
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"fine")
        elif self.path == "/half":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"half")
        else:
            self.send_error(404 if self.path == "/gone" else 500)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_url_is_added_without_its_secrets(lake, server):
    result = lake.ok("datalake", "add", f"{server}/fine?token=SECRET", "fine.txt", "--copy")
    assert result.out == "fine.txt\n"
    assert lake.ok("datalake", "cat", "fine.txt").out == "fine"
    info = lake.ok("datalake", "info", "fine.txt", "--json")
    assert info.json["source"] == f"{server}/fine"
    assert "SECRET" not in info.out


@pytest.mark.parametrize("path", ["half", "gone", "broken"])
def test_a_url_that_fails_leaves_nothing(lake, server, path):
    before = files_of(lake)
    result = lake("datalake", "add", f"{server}/{path}", "x.txt")
    assert result.code in (1, 2, 3, 6, 7, 8)
    assert result.err.startswith("error: ")
    assert len(result.err.splitlines()) <= 3
    assert files_of(lake) == before


def test_a_full_disk_leaves_nothing(lake):
    (lake.folder / "big").write_bytes(b"x" * 3_000_000)
    before = files_of(lake)
    done = subprocess.run(
        [*lake.command, "datalake", "add", "big"],
        env=lake.environment(),
        cwd=lake.folder,
        capture_output=True,
        check=False,
        # The nearest thing to a full disk that needs no root.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert done.returncode == 8, done.stderr
    assert len(done.stderr.splitlines()) <= 3
    assert files_of(lake) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: bytes([raw[0] ^ 0xFF]) + raw[1:],
        lambda raw: b"\x81" * 4096,
        lambda raw: raw * 200_000,
        lambda raw: b"",
    ],
    ids=["cut", "longer", "flipped", "deep", "huge", "empty"],
)
def test_a_corrupt_record_is_named_and_not_served(lake, damage):
    path = slot(lake, "a.txt")
    raw = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(damage(raw))
    for command in ("info", "cat"):
        result = lake("datalake", command, "a.txt")
        assert (result.code, result.out) == (5, ""), result.err
        assert "record" in result.err
        assert len(result.err.splitlines()) <= 3


def test_a_newer_lake_is_refused(lake, tmp_path):
    shared = tmp_path / "shared"
    lake.ok("config", "setup", "--remote", f"file://{shared}", "--quiet")
    (lake.folder / "b.txt").write_text("b")
    lake.ok("datalake", "add", "b.txt")
    marker = shared / "radops.cbor"
    raw = marker.read_bytes()
    marker.chmod(0o644)
    # `read: []` becomes `read: ["packs"]`: a feature that this version does not know.
    assert raw.count(b"dread\x80") == 1
    marker.write_bytes(raw.replace(b"dread\x80", b"dread\x81epacks"))
    other = type(lake)(tmp_path / "other")
    other.folder.mkdir()
    other.ok("config", "setup", "--remote", f"file://{shared}", "--no-check", "--quiet")
    result = other("datalake", "ls")
    assert result.code == 7, result.err
    assert "Traceback" not in result.err


def test_changed_bytes_are_not_served(lake):
    path = lake.ok("datalake", "local-path", "a.txt").out.strip()
    (object_,) = [p for p in lake.home.glob("storage/objects/*/*") if p.read_bytes() == b"a"]
    object_.chmod(0o644)
    object_.write_bytes(b"z")
    result = lake("datalake", "cat", "a.txt")
    assert (result.code, result.out) == (5, ""), (path, result.err)


@stopped_by_permissions
def test_a_read_only_home_can_be_read(lake):
    folders = [folder for folder, _, _ in os.walk(lake.home)]
    for folder in folders:
        os.chmod(folder, 0o500)
    try:
        assert lake.ok("datalake", "cat", "a.txt").out == "a"
        assert lake.ok("datalake", "verify").out == ""
        added = lake("datalake", "add", "a.txt", "b.txt")
        assert (added.code, "denied" in added.err) == (8, True), added.err
    finally:
        for folder in folders:
            os.chmod(folder, 0o700)
