"""Where keys come from, and what happens when they expire."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from backends.bodies import pattern
from radops import native
from radops.backends.location import RemoteOptions
from radops.backends.parts import MIB
from radops.backends.s3.backend import S3Backend
from radops.backends.s3.chain import Chain
from radops.backends.s3.settings import resolve
from radops.backends.transfers import FetchRanges, Send
from radops.errors import RadopsError, RemoteRefusedError, UsageError
from servers.http_faults import Delay, Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.proxy import FaultProxy
    from servers.server import S3Server


def place(options: RemoteOptions | None = None) -> tuple[tuple[str, str, str], tuple[object, ...]]:
    options = options or RemoteOptions()
    found = resolve(options, Chain("s3://bucket", options))
    return (found.endpoint, found.region, found.addressing), found.credentials()


@pytest.fixture
def files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_environment: None
) -> tuple[Path, Path]:
    """The files of configuration and of credentials, empty; nothing in the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    config, shared = tmp_path / "config", tmp_path / "credentials"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return config, shared


def reference(options: RemoteOptions) -> tuple[tuple[str, str, str], tuple[object, ...]]:
    """What botocore says of the same."""
    chain = Chain("s3://bucket", options)
    endpoint, region, _ = chain.place()
    style = "auto" if endpoint.endswith("amazonaws.com") else "path"
    return (endpoint, region or "us-east-1", style), chain.keys()


CASES = {
    "environment": (
        "",
        "",
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"},
        RemoteOptions(region="eu-west-1"),
    ),
    "default profile": (
        "[default]\nregion = eu-north-1\n",
        "[default]\naws_access_key_id = a\naws_secret_access_key = s\n",
        {},
        RemoteOptions(),
    ),
    "profile of the options": (
        "[default]\nregion = eu-north-1\n[profile x]\nregion = eu-south-1\n",
        "[x]\naws_access_key_id=a\naws_secret_access_key=s\naws_session_token=t\n",
        {"AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other"},
        RemoteOptions(profile="x"),
    ),
    "profile of the environment": (
        "[profile x]\naws_access_key_id=a\naws_secret_access_key=s\noutput=json\n",
        "",
        {"AWS_PROFILE": "x", "AWS_DEFAULT_REGION": "eu-west-3"},
        RemoteOptions(),
    ),
    "endpoint of the environment": (
        "",
        "",
        {
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_ENDPOINT_URL": "https://general.example.org",
            "AWS_ENDPOINT_URL_S3": "https://s3.example.org",
        },
        RemoteOptions(),
    ),
    "endpoint of the profile": (
        "[default]\nendpoint_url = https://s3.example.org\nregion = x\n",
        "[default]\naws_access_key_id = a\naws_secret_access_key = s\n",
        {},
        RemoteOptions(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_plain_cases_are_read_as_botocore_reads_them(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    config, shared, environment, options = CASES[case]
    files[0].write_text(config)
    files[1].write_text(shared)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert place(options) == reference(options)


UNUSUAL = {
    "role": "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = y\n",
    "sso": "[default]\nsso_start_url = https://x\n",
    "program": "[default]\ncredential_process = /bin/false\n",
    "nested": "[default]\ns3 =\n  addressing_style = path\n",
    "not a file of that kind": "region = x\n",
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_what_is_unusual_is_left_to_botocore(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    files[0].write_text(UNUSUAL[case])
    files[1].write_text("[default]\naws_access_key_id = a\naws_secret_access_key = s\n")
    asked = []
    monkeypatch.setattr(Chain, "place", lambda _: asked.append(1) or ("https://x", "r", None))
    resolve(RemoteOptions(), Chain("s3://bucket", RemoteOptions()))
    assert asked


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_ACCESS_KEY_ID": "a"},
        {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "absent"},
        {},
    ],
    ids=["half a pair", "no such profile", "nothing"],
)
def test_without_keys(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RemoteRefusedError) as caught:
        place()
    assert caught.value.hint


PROGRAM = """
import sys
from radops.backends.open import open_backend
backend = open_backend(sys.argv[1])
backend.put([("a", b"1")])
assert backend.create([("a", b"2"), ("b", b"2")]) == [False, True]
assert backend.read(["a", "c"], 9) == [b"1", None]
assert sorted(entry.key for entry in backend.list("")) == ["a", "b"]
backend.move("a", "c")
backend.delete(["b", "c"])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("where", ["environment", "profile"])
def test_static_keys_need_no_botocore(seaweedfs: S3Server, tmp_path: Path, where: str) -> None:
    environment = {**os.environ, **seaweedfs.environment}
    if where == "profile":
        keys = tmp_path / "credentials"
        keys.write_text(
            f"[default]\naws_access_key_id = {environment.pop('AWS_ACCESS_KEY_ID')}\n"
            f"aws_secret_access_key = {environment.pop('AWS_SECRET_ACCESS_KEY')}\n"
        )
        environment["AWS_SHARED_CREDENTIALS_FILE"] = str(keys)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, seaweedfs.url(seaweedfs.new_bucket())],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = done.stdout.split()
    assert "radops" in modules
    assert "botocore" not in modules
    assert "boto3" not in modules
    assert "urllib3" not in modules


@pytest.mark.parametrize("profile", [{}, {"credential_process": "false"}], ids=["plain", "chain"])
@pytest.mark.parametrize("source", ["variable", "profile"])
@pytest.mark.parametrize("endpoint", ["https://u:hunter2@h", "ftp://u:hunter2@h", "u:hunter2@h"])
def test_a_password_in_an_endpoint_is_in_no_error_and_no_cause(
    monkeypatch: pytest.MonkeyPatch,
    files: tuple[Path, Path],
    profile: dict[str, str],
    source: str,
    endpoint: str,
) -> None:
    lines = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region": "x", **profile}
    if source == "profile":
        lines["endpoint_url"] = endpoint
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    files[0].write_text("[default]\n" + "".join(f"{key} = {lines[key]}\n" for key in lines))
    with pytest.raises(RadopsError) as caught, closing(S3Backend("bucket")) as backend:
        backend.read(["a"], 1)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.fixture
def program(tmp_path: Path, files: tuple[Path, Path]) -> Callable[[S3Server, float], Path]:
    """Have keys come from a program, valid for so many seconds; give its log."""

    def write(server: S3Server, seconds: float) -> Path:
        log, program = tmp_path / "log", tmp_path / "program.py"
        program.write_text(
            textwrap.dedent(f"""
            import datetime, json
            lifetime = datetime.timedelta(seconds={seconds})
            end = datetime.datetime.now(datetime.timezone.utc) + lifetime
            with open({str(log)!r}, "a") as file:
                file.write("asked\\n")
            print(json.dumps({{
                "Version": 1,
                "AccessKeyId": {server.access_key!r},
                "SecretAccessKey": {server.secret_key!r},
                "Expiration": end.isoformat(),
            }}))
            """)
        )
        files[0].write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
        return log

    return write


def test_keys_of_a_program_are_renewed_in_the_middle_of_a_transfer(
    faulty_seaweedfs: FaultProxy, program: Callable[[S3Server, float], Path]
) -> None:
    server = faulty_seaweedfs.server
    log = program(server, 5)
    options = RemoteOptions(endpoint_url=faulty_seaweedfs.endpoint_url, region="us-east-1")
    backend = faulty_seaweedfs.backend(server.new_bucket(), options=options, max_connections=4)
    faulty_seaweedfs.inject(Delay(0.4), method="PUT", times=None)
    began = time.monotonic()
    backend.put([(f"k{number}", b"1") for number in range(130)])
    took = time.monotonic() - began
    assert took > 11
    asked = len(log.read_text().splitlines())
    # Every 3.75 s, and once or twice more as botocore makes its first ones.
    assert took / 5 <= asked <= took / 3 + 4
    assert len(list(backend.list(""))) == 130


def test_a_url_is_not_signed_for_longer_than_its_keys_are_valid(
    seaweedfs: S3Server, program: Callable[[S3Server, float], Path]
) -> None:
    program(seaweedfs, 3000)
    options = RemoteOptions(endpoint_url=seaweedfs.endpoint_url, region="us-east-1")
    backend = seaweedfs.backend(seaweedfs.new_bucket(), options=options)
    backend.put([("a", b"1")])
    with urllib.request.urlopen(backend.presigned_url("a", 2000)) as answer:
        assert answer.read() == b"1"
    with pytest.raises(UsageError, match="expire") as caught:
        backend.presigned_url("a", 3600)
    hint = caught.value.hint or ""
    (most,) = (int(word) for word in hint.replace(",", "").split() if word.isdigit())
    assert 2900 <= most <= 3000
    assert backend.presigned_url("a", most - 100)


@pytest.mark.slow
def test_keys_are_renewed_in_the_middle_of_large_files(
    faulty_seaweedfs: FaultProxy, program: Callable[[S3Server, float], Path], tmp_path: Path
) -> None:
    log = program(faulty_seaweedfs.server, 5)
    options = RemoteOptions(endpoint_url=faulty_seaweedfs.endpoint_url, region="us-east-1")
    backend = faulty_seaweedfs.backend(
        faulty_seaweedfs.server.new_bucket(), options=options, part_size=5 * MIB
    )
    data = pattern(80 * MIB + 1)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    target.write_bytes(bytes(len(data)))
    digest, outline = native.hash_bytes(data)
    faulty_seaweedfs.inject(Delay(4), method="PUT", times=None)
    faulty_seaweedfs.inject(Delay(2), method="GET", times=None)
    began = time.monotonic()
    assert backend.files.send([Send("a", source, len(data), digest, outline)]) == [None]
    spans = [(first, min(first + 4, 81)) for first in range(0, 81, 4)]
    wanted = FetchRanges("a", target, len(data), outline, spans)
    assert backend.files.fetch_ranges([wanted]) == [None]
    took = time.monotonic() - began
    assert target.read_bytes() == data
    assert took > 15
    assert took / 5 <= len(log.read_text().splitlines()) <= took / 3 + 4


def client(proxy: FaultProxy, credentials: object) -> native.S3Client:
    return native.S3Client(
        endpoint=proxy.endpoint_url,
        bucket=proxy.server.new_bucket(),
        region="us-east-1",
        addressing="path",
        credentials=credentials,  # type: ignore[arg-type]
        timeouts=(1, 2, 2, 2),
        max_connections=8,
    )


def test_keys_that_the_server_calls_expired_are_fetched_again(
    faulty_seaweedfs: FaultProxy,
) -> None:
    server = faulty_seaweedfs.server
    asked = []

    def keys() -> tuple[str, str, None, float]:
        asked.append(threading.current_thread().name)
        return server.access_key, server.secret_key, None, time.time() + 3600

    one = client(faulty_seaweedfs, keys)
    one.put([("a", b"1")])
    assert len(asked) == 1
    expired = "<Error><Code>ExpiredToken</Code><Message>said</Message></Error>"
    faulty_seaweedfs.inject(Reply(400, expired), method="PUT")
    one.put([("b", b"1")])
    assert len(asked) == 2
    faulty_seaweedfs.inject(Reply(400, expired), method="PUT", times=None)
    with pytest.raises(native.S3Error, match="ExpiredToken"):
        one.put([("c", b"1")])


@pytest.mark.parametrize("temporary", [True, False])
def test_an_answer_without_a_body_may_mean_that_keys_have_expired(
    faulty_seaweedfs: FaultProxy, temporary: bool
) -> None:
    server = faulty_seaweedfs.server
    asked = []

    def keys() -> tuple[str, str, str | None, float]:
        asked.append(1)
        # This server refuses tokens that it has not made, so the second keys are others.
        token = "old" if temporary and len(asked) == 1 else None
        return server.access_key, server.secret_key, token, time.time() + 3600

    one = client(faulty_seaweedfs, keys)
    faulty_seaweedfs.inject(Reply(400), method="HEAD")
    if temporary:
        one.stat(["a"])
        assert len(asked) == 2
    else:
        with pytest.raises(native.S3Error):
            one.stat(["a"])
        assert len(asked) == 1


def test_many_requests_ask_once(faulty_seaweedfs: FaultProxy) -> None:
    server = faulty_seaweedfs.server
    asked = []

    def keys() -> tuple[str, str, None, None]:
        asked.append(1)
        time.sleep(0.2)
        return server.access_key, server.secret_key, None, None

    client(faulty_seaweedfs, keys).put([(f"k{number}", b"1") for number in range(50)])
    assert len(asked) == 1


def test_what_the_source_of_keys_raises_comes_out(faulty_seaweedfs: FaultProxy) -> None:
    def keys() -> None:
        raise LookupError("no keys today")

    with pytest.raises(LookupError, match="no keys today"):
        client(faulty_seaweedfs, keys).put([("a", b"1")])


def test_secrets_in_answers_are_not_shown(faulty_seaweedfs: FaultProxy) -> None:
    secret = faulty_seaweedfs.server.secret_key
    said = json.dumps({"you sent": secret})
    body = f"<Error><Code>Odd</Code><Message>{said}</Message></Error>".replace('"', "&quot;")
    faulty_seaweedfs.inject(Reply(400, body), method="PUT")
    with pytest.raises(RemoteRefusedError) as caught:
        faulty_seaweedfs.backend().put([("a", b"1")])
    assert "you sent" in str(caught.value)
    assert secret not in str(caught.value)
