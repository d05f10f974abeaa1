"""Oxen, driven from its own environment: `init` makes a repository, `add` commits its `data/`."""

from __future__ import annotations

import sys

import oxen

repository, step = sys.argv[1:]
if not oxen.is_configured():
    oxen.user.config_user("bench", "bench@example.com")
if step == "init":
    oxen.init(repository)
else:
    repo = oxen.Repo(repository)
    repo.add("data")
    repo.commit("data")
