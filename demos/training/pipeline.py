"""Clean a table, split it, train a model, evaluate it: each step a function of the lake's files."""

import argparse
import csv
import json
import math
import random

from radops.data_lake import File, file_creator


@file_creator
def clean(raw: File) -> File:
    """Drop the faulty lines; bring both measurements to a mean of 0 and a deviation of 1."""
    with raw.open("r") as fileobj:
        rows = [row for row in csv.DictReader(fileobj) if row["kind"] != "faulty"]
    columns = []
    for name in ("weight_g", "width_mm"):
        values = [float(row[name]) for row in rows]
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
        columns.append([(value - mean) / deviation for value in values])
    table = [
        [int(row["kind"] == "apple"), *point]
        for row, point in zip(rows, zip(*columns, strict=True), strict=True)
    ]
    out = File(suffix=".json")
    out.write_text(json.dumps(table))
    return out


@file_creator
def split(table: File, *, share: float = 0.8, seed: int = 0) -> tuple[File, File]:
    """Shuffle, and cut into a part to train with and one to test with."""
    rows = json.loads(table.read_text())
    random.Random(seed).shuffle(rows)
    cut = int(len(rows) * share)
    parts = File(suffix=".json"), File(suffix=".json")
    parts[0].write_text(json.dumps(rows[:cut]))
    parts[1].write_text(json.dumps(rows[cut:]))
    return parts


@file_creator
def train(rows: File, *, rate: float, epochs: int = 30) -> File:
    """Fit a logistic regression by plain gradient descent."""
    weights = [0.0, 0.0, 0.0]
    table = json.loads(rows.read_text())
    for _ in range(epochs):
        for label, *point in table:
            error = label - probability(weights, point)
            weights = [w + rate * error * x for w, x in zip(weights, [1.0, *point], strict=True)]
    out = File(suffix=".json")
    out.write_text(json.dumps(weights))
    return out


@file_creator
def evaluate(model: File, rows: File, output_uid: str) -> File:
    """Count how often the model is right."""
    weights = json.loads(model.read_text())
    table = json.loads(rows.read_text())
    right = sum((probability(weights, point) > 0.5) == label for label, *point in table)
    out = File(output_uid)
    out.write_text(json.dumps({"accuracy": right / len(table), "rows": len(table)}))
    return out


def probability(weights, point):
    return 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, [1.0, *point], strict=True))))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate")
    rate = parser.parse_args().rate

    training, testing = split(clean(File("fruit/measurements.csv")))
    model = train(training, rate=rate)
    report = evaluate(model, testing, output_uid=f"fruit/report-{rate}.json")
    accuracy = json.loads(report.read_text())["accuracy"]
    print(f"accuracy with a learning rate of {rate}: {accuracy:.1%}".replace("%", " %"))


if __name__ == "__main__":
    main()
