"""A secret in every input that a person can give: it is in nothing that is kept or shown."""

from __future__ import annotations

import http.server
import json
import logging
import threading

import pytest

from modules import forget
from provenance.programs import repository
from radops.cli.main import main
from radops.data_lake import DataLake, File
from radops.errors import ArgumentTypeError, RadopsError
from radops.lake.info import call_of

SECRET = "5ecret"

URLS = [
    f"https://user:{SECRET}@127.0.0.1:9/x.csv",
    f"https://{SECRET}@127.0.0.1:9/x.csv",
    f"http://127.0.0.1:9/x.csv?X-Amz-Signature={SECRET}",
    f"http://127.0.0.1:9/x.csv#{SECRET}",
    f"http://user:{SECRET}/x.csv",
    f"s3://bucket:{SECRET}/p",
    f"s3://user:{SECRET}@bucket/p",
    f"s3://bucket/p?token={SECRET}",
    f"s3://bucket/p#{SECRET}",
    f"file://user:{SECRET}@host/x",
    f"ftp://user:{SECRET}@host/x",
]

# Every place in which a command takes text; {} is its place.
COMMANDS = [
    *(["datalake", name, "{}"] for name in (
        "add", "info", "cat", "local-path", "download", "delete-local", "presigned-url", "lineage",
        "why", "ls", "verify", "sync",
    )),
    ["datalake", "add", "a.txt", "{}"],
    ["datalake", "add", "--each", "{}", "x/"],
    ["datalake", "delete", "--yes", "{}"],
    ["datalake", "delete", "{}"],
    ["datalake", "download", "a.txt", "--to", "{}"],
    ["datalake", "info", "a.txt", "--context", "{}"],
    ["datalake", "lineage", "a.txt", "--format", "{}"],
    ["datalake", "verify", "--jobs", "{}"],
    ["datalake", "gc", "--grace", "{}"],
    ["datalake", "purge-local-storage", "--max-size", "{}"],
    ["datalake", "{}"],
    ["{}"],
    ["config", "create-context", "c", "--remote", "{}"],
    ["config", "create-context", "c", "--remote", "s3://bucket", "--endpoint-url", "{}"],
    ["config", "create-context", "{}"],
    ["config", "use-context", "{}"],
    ["config", "delete-context", "{}"],
    ["config", "set", "remote", "{}"],
    ["config", "set", "{}", "x"],
    ["config", "set", "endpoint_url", "{}"],
    ["config", "set", "grace", "{}"],
    ["config", "check", "{}"],
    ["config", "view"],
    ["config", "get-contexts"],
]  # fmt: skip


def kept(folder):
    """Return all bytes below a folder, and all names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\0".join([*(path.read_bytes() for path in files), *(bytes(path) for path in files)])


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    assert main(["datalake", "add", "a.txt", "--quiet"]) == 0
    return tmp_path / "home"


@pytest.mark.parametrize("url", URLS, ids=range(len(URLS)))
def test_commands(home, url, capfd, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG, "radops")
    for command in COMMANDS:
        given = [part.replace("{}", url) for part in command]
        for extra, debug in (([], "0"), (["--json"], "1")):
            monkeypatch.setenv("RADOPS_DEBUG", debug)
            main([*given, *extra])
            out, err = capfd.readouterr()
            assert SECRET not in out + err, (given, extra)
    assert SECRET not in caplog.text
    assert SECRET.encode() not in kept(home)


@pytest.mark.parametrize("url", URLS, ids=range(len(URLS)))
@pytest.mark.parametrize("name", ["RADOPS_REMOTE", "RADOPS_S3_ENDPOINT_URL"])
def test_variables(home, name, url, capfd, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG, "radops")
    monkeypatch.setenv(name, url)
    if name != "RADOPS_REMOTE":
        monkeypatch.setenv("RADOPS_REMOTE", "s3://bucket/p")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for command in (["datalake", "ls"], ["config", "view"], ["config", "get-contexts"]):
        for extra, debug in (([], "0"), (["--json"], "1")):
            monkeypatch.setenv("RADOPS_DEBUG", debug)
            if command != ["datalake", "ls"] or "127.0.0.1" not in url:
                main([*command, *extra])
    out, err = capfd.readouterr()
    assert SECRET not in out + err
    assert SECRET not in caplog.text
    assert SECRET.encode() not in kept(home)


class Redirecting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        host = f"http://user:{SECRET}@127.0.0.1:{self.server.server_port}"
        place = {
            "/loop": f"{host}/loop?token={SECRET}",
            "/scheme": f"ftp://user:{SECRET}@host/?token={SECRET}",
            "/file": f"file:///{SECRET}/../etc/passwd?token={SECRET}",
            "/port": f"http://host:{SECRET}/",
        }.get(self.path.partition("?")[0], f"{host}/loop?token={SECRET}")
        self.send_header("Location", place)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("path", ["loop", "scheme", "port"])
def test_redirects(home, path, capfd, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG, "radops")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            for extra, debug in (([], "0"), (["--json"], "1")):
                monkeypatch.setenv("RADOPS_DEBUG", debug)
                url = f"http://127.0.0.1:{server.server_port}/{path}"
                assert main(["datalake", "add", url, *extra]) != 0
        finally:
            server.shutdown()
    out, err = capfd.readouterr()
    assert SECRET not in out + err
    assert "127.0.0.1" in err
    assert SECRET not in caplog.text
    assert SECRET.encode() not in kept(home)


PIPELINE = """
from radops.data_lake import File, file_creator
@file_creator
def process(f: File, url: str = "") -> File:
    out = File(suffix=".txt")
    out.write_text(f.read_text())
    return out
"""


@pytest.mark.parametrize(
    "remote",
    [
        f"https://user:{SECRET}@host",
        f"https://user:{SECRET}@host/team/demo.git?token={SECRET}",
        f"user:{SECRET}@host:team/demo",
        f"ext::sh -c curl% https://user:{SECRET}@host% %S",
        f"ext::ssh -i {SECRET} host",
        f"https://host#{SECRET}",
        f"codecommit::us-east-1://{SECRET}@repo",
    ],
    ids=range(7),
)
def test_git_remotes(load, lake, tmp_path, remote, caplog):
    caplog.set_level(logging.DEBUG, "radops")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "steps.py").write_text(PIPELINE)
    repository(folder, remote=remote)
    forget()
    File("in.txt").write_text("x")
    made = load("steps", steps=PIPELINE, _folder=folder).process(File("in.txt"))
    record = lake.session.record(made.uid)
    call = call_of(lake.session.lake, record)
    assert SECRET not in call.module
    info = lake.info(made.uid)
    shown = json.dumps([str(info), str(lake.lineage(made.uid)), str(lake.why(made.uid))])
    assert SECRET not in shown
    assert SECRET not in caplog.text
    assert SECRET.encode() not in kept(tmp_path / "home")


@pytest.mark.parametrize(
    "value",
    [
        f"https://user:{SECRET}@host/x",
        [{"a": f"postgresql://user:{SECRET}@host/x"}],
        f"https://host/x?X-Amz-Signature={SECRET}",
    ],
    ids=range(3),
)
def test_arguments(load, lake, tmp_path, value):
    File("in.txt").write_text("x")
    module = load("steps", steps=PIPELINE)
    with pytest.raises(ArgumentTypeError) as caught:
        module.process(File("in.txt"), url=value)
    assert SECRET not in str(caught.value)
    assert 'ignore=("url",)' in caught.value.hint
    assert SECRET.encode() not in kept(tmp_path / "home")


@pytest.mark.parametrize("url", URLS, ids=range(len(URLS)))
def test_python(lake, url):
    for use in (
        lambda: File(url).read_text(),
        lambda: lake.add(url, "b.txt"),
        lambda: lake.info(url),
        lambda: DataLake(remote=url).ls(),
        lambda: lake.download(url),
    ):
        if "127.0.0.1" in url and use.__code__.co_names[:1] == ("DataLake",):
            continue
        with pytest.raises(RadopsError) as caught:
            use()
        error = caught.value
        assert SECRET not in f"{error} {error.hint} {error.uid} {error!r}"
