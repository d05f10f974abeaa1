"""Images: made smaller by Pillow where it is installed, else as they are if they are small."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from typing import BinaryIO, Final

from radops.ui import texts
from radops.ui.previews.shapes import Preview

TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
}
"""What is shown as an image, by the extension. SVG is a document with scripts: never."""
READ: Final = 32 << 20
_AS_IT_IS: Final = 4 << 20
_MOST_PIXELS: Final = 60_000_000
_SIZES: Final = (64, 1024)
_BEGINNINGS: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
    "image/bmp": b"BM",
}
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")


def preview(stream: BinaryIO, size: int) -> Preview:
    """Return that there is an image to show, and how large it is."""
    if size > (READ if _has_pillow() else _AS_IT_IS):
        return Preview("none", f"An image of {texts.size(size)} is too large to be shown.")
    if not _has_pillow():
        return Preview("image", "")
    from PIL import Image  # noqa: PLC0415 - only if it is there

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(stream, formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS:
                return Preview("none", f"{image.width:,} x {image.height:,} pixels are too many.")
            return Preview("image", f"{image.width:,} x {image.height:,} pixels, {image.mode}")


def thumbnail(data: bytes, name: str, size: int) -> tuple[bytes, str] | None:
    """Return an image that a browser may show, and its type; None if there is none.

    Args:
        data: The file.
        name: Its name.
        size: Most pixels on a side: 64 or 1,024.
    """
    kind = TYPES.get(name.rpartition(".")[2].lower())
    if kind is None or size not in _SIZES or not data.startswith(_BEGINNINGS[kind]):
        return None
    if not _has_pillow():
        return (data, kind) if len(data) <= _AS_IT_IS else None
    try:
        return _small(data, size), "image/png"
    except Exception:  # noqa: BLE001 - Pillow raises anything at broken images
        return None


def _small(data: bytes, size: int) -> bytes:
    """Return an image of at most so many pixels on a side.

    Raises:
        ValueError: The image has too many pixels.
    """
    from PIL import Image, ImageOps  # noqa: PLC0415 - only if it is there

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError("too many pixels")
            image.draft("RGB", (size, size))
            image.thumbnail((size, size))
            turned = ImageOps.exif_transpose(image)
            made = turned if turned.mode in ("RGB", "RGBA", "L") else turned.convert("RGBA")
            out = io.BytesIO()
            made.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _has_pillow() -> bool:
    return find_spec("PIL") is not None
