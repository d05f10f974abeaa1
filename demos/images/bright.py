"""Measure how bright each picture of a directory is: bright.py UID."""

import logging
import sys

from radops.data_lake import Directory, File, file_creator

logging.getLogger("radops").setLevel(logging.WARNING)


@file_creator
def brightness(picture: File) -> File:
    pixels = picture.read_bytes().partition(b"255\n")[2]
    out = File(suffix=".txt")
    out.write_text(f"{sum(pixels) / len(pixels):.1f}")
    return out


if __name__ == "__main__":
    pictures = Directory(sys.argv[1])
    known = sum(brightness.is_cached(picture) for picture in pictures)
    values = [float(out.read_text()) for out in brightness.map(pictures)]
    print(f"mean brightness {sum(values) / len(values):.0f}")
    print(f"{len(values)} pictures, {len(values) - known} of them measured now")
