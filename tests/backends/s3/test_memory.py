"""How much memory transfers take: bodies on their way are bounded for the whole process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from servers.server import S3Server

BOUND_MIB = 128
OBJECTS = 12
OBJECT_MIB = 32

# A process of its own: the highest use of memory cannot be reset everywhere.
PROGRAM = """
import os, resource, sys, threading
from pathlib import Path
from radops import native
from radops.backends.open import open_backend
from radops.backends.location import RemoteOptions
from radops.backends.transfers import FetchRanges, Send

url, endpoint, folder, objects, size = sys.argv[1:]
folder, objects, size = Path(folder), int(objects), int(size)

def backend():
    options = RemoteOptions(endpoint_url=endpoint, region="us-east-1")
    return open_backend(url.partition("?")[0], options)

block = os.urandom(1 << 20)
source = folder / "source"
with source.open("wb") as file:
    for _ in range(size >> 20):
        file.write(block)
found = native.hash_file(source)
one = backend()
assert one.files.send([Send("0", source, size, found.digest, found.outline)]) == [None]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def send(number):
    here = backend()
    assert here.files.send([Send(str(number), source, size, found.digest, found.outline)]) == [None]

def fetch(number):
    here = backend()
    path = folder / f"back-{number}"
    path.touch()
    os.truncate(path, size)
    spans = [(first, first + 4) for first in range(0, size >> 20, 4)]
    wanted = FetchRanges(str(number), path, size, found.outline, spans)
    assert here.files.fetch_ranges([wanted]) == [None]
    path.unlink()

for work in (send, fetch):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(objects)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) >> (20 if sys.platform == "darwin" else 10))
"""


@pytest.mark.slow
def test_bodies_on_their_way_are_bounded(
    seaweedfs: S3Server, s3_environment: None, tmp_path: Path
) -> None:
    """Many threads with a backend each send and fetch three times as much as may be in memory."""
    url = seaweedfs.url(seaweedfs.new_bucket(), "lake")
    done = subprocess.run(
        [
            *(sys.executable, "-c", PROGRAM, url, seaweedfs.endpoint_url, str(tmp_path)),
            *(str(OBJECTS), str(OBJECT_MIB << 20)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    # Beside bodies there are the buffers of connections and what an allocator keeps.
    assert int(done.stdout) <= BOUND_MIB + 48
