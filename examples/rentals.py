"""From raw CSV to a model and its score: bicycle rentals by hour, each step made once.

    make examples

Run it again: nothing is computed. Change a parameter below, `trees` for instance: only what depends
on it is. What is computed here is small; the steps are those of real projects.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import tempfile
from pathlib import Path

import joblib
import polars as pl
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error, r2_score

from radops.data_lake import DataLake, File, file_creator

FEATURES = ["hour_sin", "hour_cos", "weekend", "temperature", "rain", "rentals_a_day_ago"]


@file_creator
def clean(raw: File, output_uid: str, *, warmest: float = 45.0) -> File:
    """Drop lines whose sensors failed, give columns their types, sort by time; to Parquet."""
    table = (
        pl.read_csv(raw.path(), null_values=["", "n/a"])
        .drop_nulls()
        .with_columns(pl.col("time").str.to_datetime("%Y-%m-%d %H:%M"))
        .filter(pl.col("temperature").is_between(-warmest, warmest))
        .unique("time")
        .sort("time")
    )
    out = File(output_uid)
    with out.staged() as path:
        table.write_parquet(path)
    return out


@file_creator
def featurise(cleaned: File, output_uid: str) -> File:
    """Turn times into what a model can use: the hour as a circle, the weekend, the day before."""
    angle = pl.col("time").dt.hour() * (2 * math.pi / 24)
    table = (
        pl.read_parquet(cleaned.path())
        .with_columns(
            hour_sin=angle.sin(),
            hour_cos=angle.cos(),
            weekend=pl.col("time").dt.weekday().ge(6).cast(pl.Int8),
            rentals_a_day_ago=pl.col("rentals").shift(24),
        )
        .drop_nulls()
    )
    out = File(output_uid)
    with out.staged() as path:
        table.write_parquet(path)
    return out


@file_creator
def split(features: File, output_uids: dict[str, str], *, share: float = 0.75) -> dict[str, File]:
    """Cut into the past, to train with, and the future, to test with. Both appear together."""
    table = pl.read_parquet(features.path())
    edge = int(len(table) * share)
    parts = {"train": table[:edge], "test": table[edge:]}
    made = {name: File(uid) for name, uid in output_uids.items()}
    for name, out in made.items():
        with out.staged() as path:
            parts[name].write_parquet(path)
    return made


@file_creator
def train(table: File, output_uid: str, *, trees: int = 60, seed: int = 0) -> File:
    """Fit a random forest. The seed makes it the same model every time."""
    rows = pl.read_parquet(table.path())
    model = RandomForestRegressor(n_estimators=trees, random_state=seed, n_jobs=1)
    model.fit(rows.select(FEATURES).to_numpy(), rows["rentals"].to_numpy())
    out = File(output_uid)
    with out.staged() as path:
        joblib.dump(model, path)
    return out


@file_creator
def evaluate(model: File, table: File, output_uid: str) -> File:
    """Score a model on what it has not seen."""
    rows = pl.read_parquet(table.path())
    # A model file can run code when it is read: this one was made by the step above.
    guess = joblib.load(model.path()).predict(rows.select(FEATURES).to_numpy())
    truth = rows["rentals"].to_numpy()
    scores = {
        "mean_absolute_error": round(float(mean_absolute_error(truth, guess)), 3),
        "r2": round(float(r2_score(truth, guess)), 4),
        "rows": len(rows),
    }
    out = File(output_uid)
    out.write_text(json.dumps(scores, indent=1))
    return out


def write_raw(path: Path, days: int = 120, seed: int = 20) -> None:
    """Write what a city's counters might: the same bytes for the same seed, faults included."""
    draw = random.Random(seed)
    with path.open("w", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(["time", "temperature", "rain", "rentals"])
        for hour in range(days * 24):
            day, clock = divmod(hour, 24)
            month, date = divmod(day, 28)
            degrees = 12 - 9 * math.cos(day / 58) + 5 * math.sin((clock - 8) / 4) + draw.gauss(0, 2)
            rain = max(0.0, draw.gauss(-1, 1.5))
            rush = math.exp(-((clock - 8) ** 2) / 4) + math.exp(-((clock - 17.5) ** 2) / 6)
            rate = (0.35 if day % 7 > 4 else 1.0) * rush + 0.25 * math.exp(
                -((clock - 14) ** 2) / 20
            )
            rentals = max(0, round(180 * rate * (1 + degrees / 40) / (1 + rain) + draw.gauss(0, 6)))
            shown = "n/a" if draw.random() < 0.01 else f"{degrees:.1f}"
            shown = "999.9" if draw.random() < 0.005 else shown
            time = f"2025-{month + 3:02}-{date + 1:02} {clock:02}:00"
            lines.writerow([time, shown, f"{rain:.1f}", rentals])


def run(trees: int) -> File:
    """Make everything that is not made yet; return the scores."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "raw.csv")
        write_raw(path)
        DataLake.current().add(path, "rentals/raw.csv")  # "already there" the second time
    cleaned = clean(File("rentals/raw.csv"), "rentals/clean.parquet")
    features = featurise(cleaned, "rentals/features.parquet")
    names = {part: f"rentals/{part}.parquet" for part in ("train", "test")}
    parts = split(features, output_uids=names)
    model = train(parts["train"], f"rentals/forest-{trees}.joblib", trees=trees)
    return evaluate(model, parts["test"], f"rentals/scores-{trees}.json")


def main() -> None:
    """Run the pipeline, print the scores and how they came to be."""
    parser = argparse.ArgumentParser(description="Bicycle rentals: from raw CSV to a score.")
    parser.add_argument("--trees", type=int, default=60, help="size of the forest")
    scores = run(parser.parse_args().trees)
    print(scores.read_text())
    print(scores.lineage())


if __name__ == "__main__":
    main()
