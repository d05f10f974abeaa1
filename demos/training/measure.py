"""Print a table of weights and widths of two kinds of fruit, with some faulty lines."""

import random

chance = random.Random(7)
print("kind,weight_g,width_mm")
for number in range(1000):
    kind = "apple" if chance.random() < 0.5 else "plum"
    weight, width = (150, 75) if kind == "apple" else (90, 52)
    line = f"{kind},{chance.gauss(weight, 25):.1f},{chance.gauss(width, 9):.1f}"
    print("faulty,," if number % 50 == 49 else line)
