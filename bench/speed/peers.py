"""The programs that radops is compared with, each in an environment of its own."""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOME = Path(__file__).resolve().parent.parent / ".peers"
BIN = HOME / "bin"
PACKAGE = HOME.parent.parent / "python"
_LOGS = HOME / "logs"


@dataclass(frozen=True)
class Peer:
    """A program, and how it is installed."""

    name: str
    """Its name in command lines."""
    version: str
    """The command line that prints its version."""
    install: Callable[[Callable[..., None]], Path | None] | None = None
    """Given a function that runs a command, returns the program; None for what every system has."""


def _pip(name: str, *packages: str) -> Callable[[Callable[..., None]], Path]:
    def install(call: Callable[..., None]) -> Path:
        folder = HOME / name
        call(sys.executable, "-m", "venv", folder)
        call(folder / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages)
        return folder / "bin" / name

    return install


def _radops_012(call: Callable[..., None]) -> Path:
    folder = HOME / "radops"
    call(sys.executable, "-m", "venv", folder)
    call(folder / "bin/pip", "install", "-q", "--disable-pip-version-check", "radops==0.12.0")
    return folder / "bin/radops"


def _oxen(call: Callable[..., None]) -> Path:
    # Its command line is no package of its own: a program in Python drives it.
    folder = HOME / "oxen"
    call(sys.executable, "-m", "venv", folder)
    call(folder / "bin/pip", "install", "-q", "--disable-pip-version-check", "oxenai")
    return folder / "bin/python"


def _beside(folder: str, *packages: str) -> Callable[[Callable[..., None]], Path]:
    """Libraries that programs here use beside radops, which their environment has as well."""

    def install(call: Callable[..., None]) -> Path:
        place = HOME / folder
        ready = place / "ready"
        if not ready.exists():
            call(sys.executable, "-m", "venv", place)
            own = next((place / "lib").glob("python*/site-packages"))
            (own / "radops.pth").write_text("\n".join([*site.getsitepackages(), str(PACKAGE)]))
            call(place / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages)
            ready.touch()
        return place / "bin/python"

    return install


_training = _beside("training", "torch>=2.4", "webdataset", "mosaicml-streaming")
_tables = _beside("tables", "pyarrow>=17", "s3fs")


def _b3sum(call: Callable[..., None]) -> Path:
    call("cargo", "install", "b3sum", "--locked", "--root", HOME / "b3sum")
    return HOME / "b3sum/bin/b3sum"


def _s5cmd(call: Callable[..., None]) -> Path:
    # Named in a module of our own, as `go install` also asks for a list that not every proxy has.
    module = HOME / "s5mod"
    module.mkdir(exist_ok=True)
    name = "github.com/peak/s5cmd/v2"
    (module / "go.mod").write_text(f"module peers\n\ngo 1.21\n\nrequire {name} v2.3.0\n")
    (module / "tools.go").write_text(f'//go:build tools\n\npackage tools\n\nimport _ "{name}"\n')
    call("go", "build", "-mod=mod", "-o", HOME / "s5cmd/bin/s5cmd", name, folder=module)
    return HOME / "s5cmd/bin/s5cmd"


def _debian(program: str, *packages: str) -> Callable[[Callable[..., None]], Path]:
    def install(call: Callable[..., None]) -> Path:
        found = shutil.which(program)
        if found is not None:
            return Path(found)
        # Unpacked, not installed: nothing of the system changes.
        debs = HOME / "debs" / program
        debs.mkdir(parents=True, exist_ok=True)
        call("apt-get", "download", *packages, folder=debs)
        for deb in debs.glob("*.deb"):
            call("dpkg", "-x", deb, HOME / "debian")
        return HOME / "debian/usr/bin" / program

    return install


def _version(environment: str, package: str) -> str:
    about = f"from importlib.metadata import version; print(version('{package}'))"
    return f'{environment}-python -c "{about}"'


PEERS = {
    peer.name: peer
    for peer in (
        Peer("cp", "cp --version"),
        Peer("cat", "cat --version"),
        Peer("md5sum", "md5sum --version"),
        Peer("find", "find --version"),
        Peer("b3sum", "b3sum --version", _b3sum),
        Peer("dvc", "dvc --version", _pip("dvc", "dvc[s3]>=3,<4")),
        Peer("git-annex", "git-annex version", _debian("git-annex", "git-annex", "libmagic1")),
        Peer("restic", "restic version", _debian("restic", "restic")),
        Peer("redun", "redun --version", _pip("redun", "redun")),
        Peer("aws", "aws --version", _pip("aws", "awscli")),
        Peer("s5cmd", "s5cmd version", _s5cmd),
        Peer("oxen", "oxen-python -c 'import oxen; print(oxen.__version__)'", _oxen),
        Peer("radops-0.12", "radops-0.12 --version", _radops_012),
        Peer("torch", _version("training", "torch"), _training),
        Peer("webdataset", _version("training", "webdataset"), _training),
        Peer("mosaicml-streaming", _version("training", "mosaicml-streaming"), _training),
        Peer("pyarrow", _version("tables", "pyarrow"), _tables),
        Peer("s3fs", _version("tables", "s3fs"), _tables),
    )
}


def prepare(names: Iterable[str], tell: Callable[[str], None]) -> dict[str, str]:
    """Install what is missing; return the reason for each that could not be installed.

    Args:
        names: Which peers.
        tell: Called with what is being installed.
    """
    BIN.mkdir(parents=True, exist_ok=True)
    _LOGS.mkdir(exist_ok=True)
    _show_radops()
    missing = {}
    for name in names:
        peer = PEERS[name]
        place = BIN / name
        if peer.install is None:
            if shutil.which(name) is None:
                missing[name] = "not on this system"
            continue
        if place.exists():
            continue
        tell(f"installing {name}")
        try:
            found = _install(peer)
        except (OSError, subprocess.SubprocessError) as error:
            missing[name] = f"could not be installed: {_why(name, error)}"
            continue
        place.unlink(missing_ok=True)
        place.symlink_to(found)
    return missing


def _show_radops() -> None:
    place = BIN / "radops"
    place.unlink(missing_ok=True)
    place.symlink_to(Path(sys.executable).parent / "radops")
    _script("python", sys.executable)
    _script("redun-python", HOME / "redun/bin/python")
    _script("oxen-python", HOME / "oxen/bin/python")
    _script("dvc-python", HOME / "dvc/bin/python")
    _script("training-python", HOME / "training/bin/python")
    _script("tables-python", HOME / "tables/bin/python")


def _script(name: str, program: str | Path) -> None:
    # Not a link: a link to a virtual environment's interpreter leaves the environment.
    place = BIN / name
    place.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
    place.chmod(0o755)


def _install(peer: Peer) -> Path:
    assert peer.install is not None
    with (_LOGS / f"{peer.name}.log").open("wb") as log:

        def call(*words: str | Path, folder: Path = HOME) -> None:
            line = [str(word) for word in words]
            subprocess.run(line, cwd=folder, stdout=log, stderr=log, check=True, timeout=900)

        found = peer.install(call)
    if found is None or not found.exists():
        raise FileNotFoundError(2, "installed, but the program is not there")
    return found


def _why(name: str, error: Exception) -> str:
    lines = (_LOGS / f"{name}.log").read_text(errors="replace").strip().splitlines()
    return lines[-1][:120] if lines else str(error)


def environment(folder: Path) -> dict[str, str]:
    """Return the variables that every command line runs with: none of the person's own settings.

    Args:
        folder: Becomes the home.
    """
    libraries = HOME / "debian/usr/lib/x86_64-linux-gnu"
    return {
        "PATH": f"{BIN}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LD_LIBRARY_PATH": str(libraries) if libraries.is_dir() else "",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / ".dvc-site"),
        "PYTHONDONTWRITEBYTECODE": "",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "bench",
        "GIT_AUTHOR_EMAIL": "bench@example.com",
        "GIT_COMMITTER_NAME": "bench",
        "GIT_COMMITTER_EMAIL": "bench@example.com",
        "RESTIC_PASSWORD": "bench",
        "RADOPS_EMAIL": "bench@example.com",
        "REDUN_CONFIG": str(folder / ".redun"),
    }


def versions(names: Iterable[str], folder: Path) -> dict[str, str]:
    """Return what each program says its version is."""
    found = {}
    for name in names:
        done = subprocess.run(
            ["/bin/bash", "-c", PEERS[name].version if name in PEERS else f"{name} --version"],
            env=environment(folder),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = (done.stdout or done.stderr).strip().splitlines()
        number = re.search(r"\d+(\.\d+)+", lines[0]) if lines else None
        found[name] = number[0] if number else "?"
    if "s5cmd" in found:  # built from source it calls itself v0.0.0
        found["s5cmd"] = "2.3.0"
    if "radops-0.12" in found:  # it says so only after loading everything that it has
        found["radops-0.12"] = "0.12.0"
    return found
