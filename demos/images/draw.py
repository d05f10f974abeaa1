"""Draw small grey pictures, half of them dark: draw.py FOLDER COUNT [--seed N]."""

import argparse
import random
from pathlib import Path

SIDE = 32

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path)
parser.add_argument("count", type=int)
parser.add_argument("--seed", type=int, default=1)
given = parser.parse_args()

chance = random.Random(given.seed)
for number in range(given.count):
    kind, middle = ("dark", 60) if number % 2 else ("light", 190)
    pixels = bytes(middle + chance.randrange(-50, 50) for _ in range(SIDE * SIDE))
    path = given.folder / kind / f"{given.seed}-{number:05}.pgm"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"P5 %d %d 255\n" % (SIDE, SIDE) + pixels)
