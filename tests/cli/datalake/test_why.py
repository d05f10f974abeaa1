"""`radops datalake why`."""

from __future__ import annotations


def test_why_says_what_a_file_was_made_from(made):
    lines = made.ok("datalake", "why", "made/first.txt").lines
    assert lines[0] == "made/first.txt was made by __main__.process(rate=0.5)"
    assert lines[1] == "  f: raw.txt  as it was"
    answer = made.ok("datalake", "why", "made/first.txt", "--json").json
    assert (answer["current"], answer["inputs"][0]["state"]) == (True, "same")
    assert made.ok("datalake", "why", "raw.txt").out == "raw.txt was added from raw.txt\n"
    assert made("datalake", "why", "nowhere").code == 3
