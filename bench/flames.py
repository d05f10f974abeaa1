"""Draw where the time goes: flame graphs of an add, a verify and cached calls, for the docs.

    python bench/flames.py

py-spy looks at the process a few hundred times a second; what runs inside Rust or the kernel
shows as the Python function that called it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from speed import data, peers
from speed.flame import draw, fold, start_of_work

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SHAPE = data.Shape("flames", 10_000, 4096, 20)


def record(words: list[str | Path], folder: Path, rate: int) -> str:
    """Run a command under py-spy; return the stacks."""
    out = folder / "stacks"
    environment = peers.environment(folder) | {"RADOPS_HOME": str(folder / "home")}
    spy = [BIN / "py-spy", "record", "-f", "raw", "-r", str(rate), "--nonblocking", "-o", out]
    subprocess.run(
        [*spy, "--", *words], cwd=folder, env=environment, check=True, capture_output=True
    )
    return out.read_text(encoding="utf-8")


def main() -> None:
    """Record and draw all of them."""
    place = ROOT / "docs" / "performance"
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "bench") as name:
        folder = Path(name)
        files = data.make(SHAPE, folder)
        radops: list[str | Path] = [sys.executable, BIN / "radops", "datalake"]
        calls = ROOT / "bench" / "programs" / "calls_radops.py"
        for picture, title, words, rate in (
            (
                "add",
                f"add --each, {SHAPE.label}",
                [*radops, "add", "-q", "--each", files, "d"],
                200,
            ),
            ("verify", f"verify, {SHAPE.label}", [*radops, "verify", "-q"], 200),
            ("call", "20,000 cached calls", [sys.executable, calls, "hit", "20000"], 500),
        ):
            root = start_of_work(fold(record(words, folder, rate)))
            (place / f"{picture}.svg").write_text(draw(root, title), encoding="utf-8")
            print(f"docs/performance/{picture}.svg: {root.count} samples")


if __name__ == "__main__":
    main()
