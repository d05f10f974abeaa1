"""Draws the pictures of `docs/ui.md`: `PYTHONPATH=tests python tests/ui/screenshots.py`."""

from __future__ import annotations

import io
import tempfile
from contextlib import closing
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import sync_playwright

from radops.data_lake import DataLake
from ui.conftest import made, start, stop, wait

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE = {
    "files": "browse?at=images/v2/cats/",
    "file": "file?uid=features/day1.parquet",
    "lineage": "lineage?uid=models/v1",
    "compare": "compare?a=models/v1&b=models/v2",
    "health": "health",
}
TALL = {"health": 1010}
COMPLETE = """
    [...document.querySelectorAll('#count, #summary')].every((one) => one.textContent != '…')
    && [...document.images].every((one) => one.complete) && !document.querySelector('.row.wait')
    && !(document.getElementById('last') || {}).hidden
"""
"""Whether a page has what its scripts fetch."""
NARROW = ("browse?at=images/v2/cats/", "file?uid=images/v2", "lineage?uid=models/v1", "health")


def main() -> None:
    """Draw wide pages, and narrow ones side by side."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = made("demo", Path(folder))
        remote = Path(f"{home}-remote").as_uri()
        with closing(DataLake(home=home, remote=remote)) as lake:
            lake.verify()
            lake.verify("images/", remote=True, full=True)
        served = start(home, RADOPS_REMOTE=remote)
        browser = playwright.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox"]
        )
        try:
            for name, path in WIDE.items():
                height = TALL.get(name, 760)
                save(shot(browser, served.link, path, 1280, height), f"ui-{name}.png")
            save(
                beside([shot(browser, served.link, path, 360, 700) for path in NARROW]),
                "ui-phone.png",
            )
        finally:
            browser.close()
            stop(served)


def shot(browser, link: str, path: str, width: int, height: int) -> Image.Image:
    """Return a picture of one page."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(link)
    page.wait_for_url("http://127.0.0.1:*/*/")
    page.goto(f"{page.url}{path}")
    wait(page, COMPLETE)
    page.evaluate("document.querySelector('footer').remove()")  # names a folder of this machine
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    return picture


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures in a row."""
    gap = 24
    width = sum(one.width + gap for one in pictures) - gap
    row = Image.new("RGB", (width, pictures[0].height), "#d8d5cf")
    for index, one in enumerate(pictures):
        row.paste(one, (index * (one.width + gap), 0))
    return row


def save(picture: Image.Image, name: str) -> None:
    """Save a picture with few colours: pages have few, and the file is small."""
    picture.quantize(128, Image.Quantize.FASTOCTREE).save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
