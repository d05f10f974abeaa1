"""Where code came from: with real repositories, and without git."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest

from provenance.programs import answer, git, repository, run, write
from radops.provenance import git as reading

# Without a process of its own, an answer would be what another test has found.
ASK = """
import json
from radops.provenance.fingerprint import fingerprint
from radops.provenance.capture import capture_code, git_patch

def process(x):
    return x

found = capture_code(process, fingerprint(process))
git = found.code.git
answer = None if git is None else {name: getattr(git, name) for name in git.__struct_fields__}
patch = git_patch(found.repository) if found.repository else None
answer = [answer, list(found.notes), found.code.run_as, patch and patch.decode()]
if __name__ == "__main__":
    print(json.dumps(answer))
"""


URL = "https://github.com/team/demo.git"


def commit_of(root):
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path):
    """A bare repository with one pushed commit, and the checkout that pushed it."""
    bare = tmp_path / "origin.git"
    bare.mkdir()
    git(bare, "init", "-q", "--bare")
    root = repository(write(tmp_path / "work", {"sub dir/pipeline.py": ASK}), remote=str(bare))
    git(root, "push", "-q", "origin", "main")
    return root


def test_clean_and_pushed(origin):
    found, notes, run_as, patch = answer("sub dir/pipeline.py", cwd=origin)
    assert found == {
        "remote": str(origin.parent / "origin.git"),
        "commit": commit_of(origin),
        "path": "sub dir/pipeline.py",
        "line": 6,
        "dirty": False,
        "pushed": True,
        "patch": None,
    }
    assert (notes, run_as, patch) == ([], "__main__", None)


def test_not_pushed_and_dirty(origin):
    git(origin, "commit", "-q", "--allow-empty", "-m", "second")
    script = origin / "sub dir" / "pipeline.py"
    script.write_text(ASK.replace("return x", "return 2 * x"))
    (origin / "untracked.py").write_text("secret")
    found, notes, _, patch = answer(script, cwd=origin.parent)
    assert (found["dirty"], found["pushed"]) == (True, False)
    assert found["commit"] == commit_of(origin)
    assert notes == ["the working tree had uncommitted changes", "the commit was not pushed"]
    assert "+    return 2 * x" in patch
    assert "untracked" not in patch
    script.write_text(ASK)
    other = origin.parent / "change.patch"
    other.write_text(patch)
    git(origin, "apply", str(other))
    assert "return 2 * x" in script.read_text()


def test_untracked_files_elsewhere_do_not_make_it_dirty(origin):
    (origin / "notes.txt").write_text("x")
    assert answer("sub dir/pipeline.py", cwd=origin)[0]["dirty"] is False


def test_a_script_that_was_never_committed(origin):
    (origin / "new.py").write_text(ASK)
    found, notes, _, patch = answer("new.py", cwd=origin)
    assert (found["dirty"], found["pushed"], found["path"]) == (True, True, "new.py")
    assert notes == ["the file is not committed"]
    assert patch is None


def test_files_asked_for_later_are_known(origin):
    text = "def help(): return 1\n"
    write(origin, {"one.py": text, "two.py": text, "three.py": text})
    git(origin, "add", "one.py", "two.py")
    git(origin, "commit", "-q", "-m", "more")
    program = """
        import json
        from radops.provenance.fingerprint import fingerprint
        from radops.provenance.capture import capture_code
        import one, three
        def notes(f): return capture_code(f, fingerprint(f)).notes[0]
        found = [notes(one.help), notes(three.help)]
        import two
        print(json.dumps([*found, notes(two.help)]))
    """
    write(origin, {"program.py": program})
    found = answer("program.py", cwd=origin)
    assert found == [found[0], "the file is not committed", "the commit was not pushed"]


def test_secrets_in_the_remote(tmp_path):
    # No digits of a commit's name: those must not be taken for the secrets.
    url = "https://user:s3cret@github.com/team/demo.git?token=t0ken"
    repository(write(tmp_path, {"pipeline.py": ASK}), remote=url)
    printed = run("pipeline.py", cwd=tmp_path)
    assert json.loads(printed)[0]["remote"] == URL
    assert "s3cret" not in printed
    assert "t0ken" not in printed


def test_branch_without_a_commit(tmp_path):
    write(tmp_path, {"pipeline.py": ASK})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    found, notes, _, patch = answer("pipeline.py", cwd=tmp_path)
    assert (found["commit"], found["dirty"], found["pushed"]) == (None, True, False)
    assert notes == ["nothing was committed yet"]
    assert "+def process(x):" in patch


def test_detached_head_worktree_and_submodule(origin):
    git(origin, "checkout", "-q", "--detach")
    assert answer("sub dir/pipeline.py", cwd=origin)[0]["pushed"] is True
    tree = origin.parent / "tree"
    git(origin, "worktree", "add", "-q", str(tree), "-b", "other")
    git(tree, "commit", "-q", "--allow-empty", "-m", "there")
    found, _, _, _ = answer("sub dir/pipeline.py", cwd=tree)
    assert (found["commit"], found["pushed"]) == (commit_of(tree), False)
    outer = repository(origin.parent / "outer")
    git(outer, "submodule", "add", "-q", str(origin.parent / "origin.git"), "inner")
    found, _, _, _ = answer("inner/sub dir/pipeline.py", cwd=outer)
    assert found["path"] == "sub dir/pipeline.py"
    assert found["commit"] == commit_of(outer / "inner")
    assert found["dirty"] is False


def test_outside_a_repository(tmp_path):
    write(tmp_path, {"pipeline.py": ASK})
    assert answer("pipeline.py", cwd=tmp_path) == [None, [], "__main__", None]
    assert answer("-c", "import pipeline, json; print(json.dumps(pipeline.answer))", cwd=tmp_path)[
        2
    ] == "pipeline"  # fmt: skip


def test_installed_code_is_not_the_repositorys(origin):
    site = write(
        origin / ".venv/lib/python3/site-packages", {"pkg/__init__.py": "", "pkg/m.py": ASK}
    )
    command = "import pkg.m, json; print(json.dumps(pkg.m.answer))"
    assert answer("-c", command, cwd=origin, PYTHONPATH=str(site))[0] is None


def fake_git(tmp_path, text):
    """Put a program named `git` on a path of its own."""
    folder = tmp_path / "bin"
    write(folder, {"git": text})
    (folder / "git").chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("packed", [False, True])
def test_without_a_git_program(origin, packed):
    if packed:
        git(origin, "pack-refs", "--all")
    found, notes, _, patch = answer("sub dir/pipeline.py", cwd=origin, PATH="/nowhere")
    assert (found["commit"], found["pushed"]) == (commit_of(origin), None)
    assert found["dirty"] is True  # it could not be proven clean
    assert notes == [
        "git could not say whether there were uncommitted changes",
        "git could not say whether the commit was pushed",
    ]
    assert patch is None


def test_git_that_refuses(origin, tmp_path):
    """As it does in a repository that belongs to somebody else."""
    path = fake_git(tmp_path, "#!/bin/sh\necho 'fatal: detected dubious ownership' >&2\nexit 128\n")
    found, notes, _, patch = answer("sub dir/pipeline.py", cwd=origin, PATH=path)
    assert found["commit"] == commit_of(origin)
    assert len(notes) == 2
    assert patch is None


def test_git_that_hangs(origin, tmp_path, monkeypatch):
    folder = fake_git(tmp_path, "#!/bin/sh\necho '# branch.oid'\nexec sleep 60\n")
    monkeypatch.setenv("PATH", folder + os.pathsep + os.environ["PATH"])
    start = time.monotonic()
    assert reading.ask(str(origin), "status", seconds=0.3) is None
    assert time.monotonic() - start < 30  # not the 60 that it sleeps


def test_git_is_asked_once(origin, tmp_path):
    """And answers for this repository, whatever a hook has put into the environment."""
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout
    path = fake_git(tmp_path, f'#!/bin/sh\necho x >> {tmp_path}/calls\nexec {real.strip()} "$@"\n')
    program = """
        from pipeline import capture_code, fingerprint, process
        for _ in range(20):
            found = capture_code(process, fingerprint(process))
        print(found.code.git.commit)
    """
    write(origin, {"sub dir/many.py": program})
    environment = {"PATH": path, "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"}
    assert run("sub dir/many.py", cwd=origin, **environment).strip() == commit_of(origin)
    # Status, remote branches, tracked files; and none for the patch of a clean tree but its own.
    assert len((tmp_path / "calls").read_text().split()) <= 4


def test_the_index_is_not_touched(origin):
    index = origin / ".git" / "index"
    # A status and a diff would note the new time; one of now might be too fresh for git to trust.
    long_ago = time.time() - 3600
    os.utime(origin / "sub dir" / "pipeline.py", (long_ago, long_ago))
    before = index.stat().st_mtime_ns, index.read_bytes()
    answer("sub dir/pipeline.py", cwd=origin)
    assert (index.stat().st_mtime_ns, index.read_bytes()) == before


def test_patch_is_cut_at_a_mebibyte(origin):
    (origin / "big.txt").write_text("")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "big")
    (origin / "big.txt").write_text("0123456789\n" * 200_000)
    patch = answer("sub dir/pipeline.py", cwd=origin)[3]
    assert patch.endswith("\n# cut by radops: only the first 1048576 bytes are kept\n")
    assert len(patch) < 1024 * 1024 + 100


def test_patch_has_one_form(origin):
    """A person's configuration does not change it."""
    (origin / "sub dir" / "pipeline.py").write_text(ASK.replace("return x", "return x + 1"))
    first = answer("sub dir/pipeline.py", cwd=origin)[3]
    for key, value in (
        ("diff.noprefix", "true"), ("diff.mnemonicPrefix", "true"), ("color.ui", "always"),
        ("diff.external", "/bin/false"), ("diff.context", "0"), ("core.pager", "false"),
    ):  # fmt: skip
        git(origin, "config", key, value)
    assert answer("sub dir/pipeline.py", cwd=origin)[3] == first


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ('[remote "origin"]\n\turl = git@host:a/b.git\n', "git@host:a/b.git"),
        ('[remote "b"]\nurl=B\n[remote "a"]\n url = A # why\n', "A"),
        ('[remote "b"] url = B\n[remote "origin"]\n url = "x y;z" ; c\n', "x y;z"),
        ('[Remote "origin"]\n URL = one\n url = two\n', "one"),
        ('[remote "origin"]\n fetch = x\n[branch "url"]\n url = no\n', None),
        ("not a configuration", None),
    ],
)
def test_remotes_as_git_writes_them(tmp_path, config, expected):
    write(tmp_path, {".git/HEAD": "ref: refs/heads/main\n"})
    (tmp_path / ".git" / "config").write_text(config)
    found = reading.repository_at(str(tmp_path))
    assert reading.remote_url(found) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host/team/demo.git", "demo"),
        ("https://host/team/demo/", "demo"),
        ("git@host:demo.git", "demo"),
        ("ssh://git@host:22/team/demo", "demo"),
        ("/srv/git/demo.git", "demo"),
        ("https://host/team/demo?x=1#y", "demo"),
        ("C:\\git\\demo", "demo"),
        ("", None),
    ],
)
def test_names_of_repositories(url, expected):
    assert reading.repository_name(url) == expected
