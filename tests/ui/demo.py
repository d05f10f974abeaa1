"""Makes the lakes that the pages are tested with and drawn from: `python demo.py KIND HOME`.

In a process of its own, as their pipelines are those of a program.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from radops.data_lake import DataLake, Directory, File, file_creator

MARKUP = "<img src=x onerror=alert(1)>"
ANSI = "\x1b[31mred\x1b[0m\x1b]0;title\x07"


@file_creator
def clean(raw: File, output_uid: str, *, threshold: float = 0.25) -> File:
    """Keep the rows with a score of at least the threshold."""
    out = File(output_uid)
    head, *rows = raw.read_text().splitlines()
    kept = [row for row in rows if float(row.split(",")[2]) >= threshold]
    out.write_text("\n".join([head, *kept]) + "\n")
    return out


@file_creator
def features(rows: File, labels: File, output_uid: str, *, columns: list[str], seed: int) -> File:
    """Make a table of numbers out of rows."""
    out = File(output_uid)
    count = len(rows.read_text().splitlines()) - 1
    cities = labels.read_text().split()
    with out.staged() as path:
        table = {
            "id": list(range(count)),
            "height": [number * 0.375 for number in range(count)],
            "city": [cities[number % len(cities)] for number in range(count)],
        }
        pq.write_table(pa.table(table), path)
    return out


@file_creator
def train(data: File, images: Directory, output_uid: str, *, rate: float, layers: int = 4) -> File:
    """Train a model."""
    out = File(output_uid)
    out.write_bytes(b"\0\1weights" + str((rate, layers, len(images))).encode() * 40)
    return out


@file_creator
def report(models: list[File], output_uid: str) -> File:
    """Write about models."""
    out = File(output_uid)
    out.write_text("# November\n\n" + "".join(f"- {model.uid}\n" for model in models))
    return out


@file_creator
def merge(parts: list[File], output_uid: str) -> File:
    """Join many small files."""
    out = File(output_uid)
    out.write_text("".join(part.read_text() for part in parts))
    return out


@file_creator
def hostile(f: File, output_uid: str, *, note: str) -> File:
    """</pre><script>alert(1)</script>"""
    out = File(output_uid)
    out.write_text(f.read_text())
    return out


def images(version: int, folder: Path) -> None:
    """Write pictures, more in later versions."""
    for kind, color in (("birds", 60), ("cats", 130), ("dogs", 200)):
        (folder / kind).mkdir()
        for number in range(8 + 2 * version):
            image = Image.new("RGB", (96, 72), (color, 90 + 9 * number, 150 - color // 2))
            shape = (14, 10, 40 + 3 * number, 36 + 2 * number)
            ImageDraw.Draw(image).ellipse(shape, fill=(250, 210 - 8 * number, 60 + 40 * version))
            image.save(folder / kind / f"{number:03}.png")
    (folder / "labels.csv").write_text(f"file,label\nversion,{version}\n")


def make_demo(home: Path) -> None:
    """Make a lake with a shared folder as its remote."""
    remote = Path(f"{home}-remote")
    remote.mkdir()
    lake = DataLake(home=home, remote=remote.as_uri())
    numbers = random.Random(1)
    with lake.use():
        for day in (1, 2, 3):
            rows = [
                f"{n},{'Oslo' if n % 2 else 'Bergen'},{numbers.random():.3f}" for n in range(300)
            ]
            File(f"raw/day{day}.csv").write_text("id,city,score\n" + "\n".join(rows) + "\n")
        File("labels/cities.txt").write_text("Oslo\nBergen\n")
        File("notes/readme.md").write_text("# Rentals\n\nPrices in two cities.\n")
        with File("arrays/embeddings.npy").staged() as path:
            np.save(path, np.zeros((1000, 64), dtype="float32"))
        events = [json.dumps({"at": n, "kind": "click" if n % 2 else "view"}) for n in range(90)]
        File("events.jsonl").write_text("\n".join(events) + "\n")
        for version in (1, 2):
            with Directory(f"images/v{version}").staged() as folder:
                images(version, folder)
        labels = File("labels/cities.txt")
        cleaned = [clean(File(f"raw/day{d}.csv"), f"clean/day{d}.csv") for d in (1, 2, 3)]
        tables = [
            features(
                one, labels, f"features/day{d}.parquet", columns=["height", "city"], seed=7 + d
            )
            for d, one in enumerate(cleaned, 1)
        ]
        models = [
            train(tables[0], Directory("images/v2"), f"models/v{number}", rate=rate)
            for number, rate in enumerate((0.1, 0.03), 1)
        ]
        report(models, "reports/november.md")
        sources = []
        for number in range(45):
            source = remote.with_name(f"{number:02}.txt")
            source.write_text(f"{number}\n")
            sources.append((source, f"parts/{source.name}"))
        lake.add_many(sources, move=True)
        parts = [File(uid) for _, uid in sources]
        merge(parts, "reports/merged.txt")
        lake.describe("images/v2", "Birds, cats and dogs.\nDrawn, not taken.", tags=["gold"])
    offline = DataLake(home=home, remote=remote.as_uri(), offline=True)
    with offline.use():
        File("scratch/unpublished.csv").write_text("a,b\n1,2\n")


def make_hostile(home: Path) -> None:
    """Make a lake in which everything that people can name or write is markup."""
    lake = DataLake(home=home)
    with lake.use():
        File(f"a/{MARKUP}.txt").write_text(f"<script>alert(1)</script>\n{ANSI}\n")
        File("a/page.html").write_text("<html><script>alert(1)</script></html>")
        File("a/drawing.svg").write_text(
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
        )
        File("a/no-image.png").write_text(
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
        )
        File("a/table.csv").write_text(
            f'{MARKUP},"{ANSI}"\n"</td><script>alert(1)</script>",=1+1\n'
        )
        File("a/lines.jsonl").write_text(json.dumps({MARKUP: ANSI, "b": {"c": MARKUP}}) + "\n")
        with File("a/table.parquet").staged() as path:
            pq.write_table(pa.table({MARKUP: [MARKUP, ANSI]}), path)
        hostile(File(f"a/{MARKUP}.txt"), "a/made.txt", note=f"{MARKUP}{ANSI}")
        hostile(File(f"a/{MARKUP}.txt"), "a/other.txt", note="'\"><b>x</b>")
        with Directory("a/directory").staged() as folder:
            (folder / f"{MARKUP.replace('/', '')}{ANSI.replace('/', '')}").write_text(MARKUP)
            (folder / "javascript:alert(1)").write_text("a name that looks like a link")
            (folder / "\u202egpj.exe").write_text("right to left")
        lake.describe("a/made.txt", f"{MARKUP}\nsecond line")


if __name__ == "__main__":
    os.environ["RADOPS_EMAIL"] = "ada@example.com"
    {"demo": make_demo, "hostile": make_hostile}[sys.argv[1]](Path(sys.argv[2]))
