"""One-node Ceph with its RADOS gateway, on loopback and in memory.

Debian's packages: `apt-get install --no-install-recommends radosgw ceph-mon ceph-osd`.
Strong where SeaweedFS is weak (odd keys, contended creates), but version 16 ignores checksums.
"""

from __future__ import annotations

import base64
import shutil
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servers.process import Processes, free_ports
from servers.server import DOMAIN, S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

# Without `ms mon client mode = crc` the gateway hangs when authentication is off; without
# tcp_nodelay every request takes 40 ms.
_CONFIG = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
mon initial members = a
public network = 127.0.0.0/8
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
ms client mode = crc
ms service mode = crc
ms cluster mode = crc
ms bind ipv6 = false
setuser match path =
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
pid file = {folder}/run/$name.pid
log file = {folder}/log/$name.log
crash dir = {folder}/log
keyring = {folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = true
mon allow pool size one = true
mon allow pool delete = true
mon max pg per osd = 2000
mon warn on pool no redundancy = false
mon pg warn min per osd = 0
[mon]
mon data = {folder}/mon
mon data avail crit = 1
mon data avail warn = 2
mon osd full ratio = .99
mon osd backfillfull ratio = .985
mon osd nearfull ratio = .98
paxos propose interval = 0.02
paxos min wait = 0.01
[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd memory target = 1073741824
osd max object name len = 2048
osd class update on start = false
osd fast shutdown = true
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1{tls}
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw gc processor period = 60
rgw gc obj min wait = 1
rgw verify ssl = false
rgw dns name = {domain}
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = the-key={kms_key}
"""


def missing_programs() -> list[str]:
    """Return which of Ceph's programs are not installed."""
    return [program for program in _PROGRAMS if shutil.which(program) is None]


@contextmanager
def running_ceph(folder: Path) -> Iterator[S3Server]:
    """Run a cluster of one node, and end it."""
    port = free_ports(3)
    for name in ("mon", "osd", "run", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "keyring").touch()
    processes = Processes(folder)
    certificate = _certificate(processes)
    server = S3Server(
        "Ceph",
        f"http://127.0.0.1:{port}",
        ca_bundle=str(certificate) if certificate else None,
        tls_endpoint_url=f"https://127.0.0.1:{port + 1}" if certificate else None,
    )
    fsid = str(uuid.uuid4())
    config = folder / "ceph.conf"
    tls = ""
    if certificate:
        tls = f" ssl_endpoint=127.0.0.1:{port + 1} ssl_certificate={folder / 'both.pem'}"
    config.write_text(
        _CONFIG.format(
            fsid=fsid,
            mon_port=port + 2,
            folder=folder,
            port=port,
            tls=tls,
            domain=DOMAIN,
            kms_key=base64.b64encode(bytes(range(32))).decode(),
        )
    )
    try:
        _start(processes, config, fsid, port, server)
        yield server
    finally:
        processes.stop()


def _start(processes: Processes, config: Path, fsid: str, port: int, server: S3Server) -> None:
    folder = config.parent
    address = f"[v2:127.0.0.1:{port + 2}]"
    monmap = folder / "monmap"
    processes.run(
        "monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", address, monmap
    )
    processes.run("ceph-mon", "-c", config, "-i", "a", "--mkfs", "--monmap", monmap)
    processes.start("ceph-mon", "-c", config, "-i", "a", "-f")
    osd = str(uuid.uuid4())
    ask = ("ceph", "-c", config, "--connect-timeout", "2")
    for _ in range(100):
        if processes.run(*ask, "osd", "new", osd, check=False):
            break
        time.sleep(0.1)
    processes.run("ceph-osd", "-c", config, "-i", "0", "--mkfs", "--osd-uuid", osd)
    processes.start("ceph-osd", "-c", config, "-i", "0", "-f")
    user = ("user", "create", "--uid=test", "--display-name=test")
    keys = (f"--access-key={server.access_key}", f"--secret={server.secret_key}")
    processes.run("radosgw-admin", "-c", config, "-n", "client.rgw", *user, *keys)
    processes.start("radosgw", "-c", config, "-n", "client.rgw", "-f")
    processes.wait_for_port(port)


def _certificate(processes: Processes) -> Path | None:
    """Make a certificate for 127.0.0.1 that is trusted only where it is configured."""
    if shutil.which("openssl") is None:
        return None
    folder = processes.folder
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", key, "-out", certificate)
    processes.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *names)
    (folder / "both.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
    return certificate
