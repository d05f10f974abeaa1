"""Runs the cells in a JSON file in a real notebook kernel and prints the JSON that they print.

A process of its own, so that the kernel's client leaves nothing behind in the tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config


def main() -> None:
    cells = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    # By sockets in this folder. Ports are chosen here, and opened by the kernel a second later: any
    # other process may have taken them by then.
    config = Config({"KernelManager": {"transport": "ipc", "ip": "kernel"}})
    client = NotebookClient(
        notebook,
        config=config,
        timeout=200,
        startup_timeout=200,
        kernel_name="python3",
        resources={"metadata": {"path": "."}},
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    lines = [line for output in outputs for line in output.get("text", "").splitlines()]
    print("[" + ",".join(line for line in lines if line.startswith(("[", '"'))) + "]")


if __name__ == "__main__":
    main()
