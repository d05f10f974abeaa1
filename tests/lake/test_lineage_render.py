"""Lineage as text: a tree, Mermaid, DOT and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.graphs import diamond, join
from radops.data_lake import File

if TYPE_CHECKING:
    from radops.data_lake import DataLake


def test_the_tree(lake: DataLake) -> None:
    diamond()
    lines = [line.split("  <-")[0] for line in str(lake.lineage("c")).splitlines()]
    assert lines == ["c", "├── a", "└── ab", "    ├── a", "    └── b"]
    both = [line.split("  <-")[0] for line in str(lake.lineage("ab", down=True)).splitlines()]
    assert both == ["ab", "├── a", "└── b", "made from it:", "└── c"]


def test_mermaid_and_dot_stand_hostile_names(lake: DataLake) -> None:
    File('say "hi" <b>|# é').write_text("1")
    join([File('say "hi" <b>|# é')], "out")
    graph = lake.lineage("out")
    mermaid = graph.to_mermaid().splitlines()
    assert mermaid[0] == "flowchart LR"
    assert '    n1["say #34;hi#34; #60;b#62;#124;#35; é"]' in mermaid
    assert '    n1 -->|"join"| n0' in mermaid
    assert '    n1 [label="say \\"hi\\" <b>|# é"];' in graph.to_dot().splitlines()
    html = graph._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>|" not in html
    assert "&lt;b&gt;" in File('say "hi" <b>|# é')._repr_html_()
    assert "files[0]" in File("out")._repr_html_()
    assert "no file" in File("nowhere")._repr_html_()
