"""What is recorded of the code of a call and of what it ran in."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from provenance.programs import environment
from radops.provenance.capture import capture_code, capture_environment, package_version
from radops.provenance.fingerprint import fingerprint


def test_environment():
    found = capture_environment()
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.distributions["pytest"] == importlib.metadata.version("pytest")
    assert found.distributions["radops"] == importlib.metadata.version("radops")
    assert list(found.distributions) == sorted(found.distributions)


def test_no_program_is_started_after_the_first_call(monkeypatch):
    function = test_environment

    def capture():
        capture_code(function, fingerprint(function))
        capture_environment()
        package_version(function)

    def refuse(*arguments, **_):
        raise AssertionError(f"started {arguments}")

    capture()
    monkeypatch.setattr(subprocess, "Popen", refuse)
    capture()


def test_code_of_the_function():
    found = capture_code(capture_code, fingerprint(capture_code)).code
    assert found.fingerprint == fingerprint(capture_code).digest
    assert found.source.startswith("def capture_code(")
    assert found.run_as == "radops.provenance.capture"
    assert Path(fingerprint(capture_code).file).name == "capture.py"
    assert environment(Path("/x"))["HOME"] == "/x"
