"""Fingerprints in many threads at once, and in children of a process that makes some."""

from __future__ import annotations

from pathlib import Path

from provenance.programs import run, write


def test_threads_and_forks(load):
    """Many threads at once, and a child whose parent was in the midst of it."""
    text = "".join(f"def f{i}(x): return f{i + 1}(x) + {i}\n" for i in range(200))
    program = """
        import os, signal, sys, threading
        signal.alarm(100)  # far more than it takes on a busy machine
        sys.path.insert(0, {folder!r})
        import pipeline
        from radops.provenance.fingerprint import fingerprint
        def ask():
            found.append(fingerprint(pipeline.process).digest.hex)
        found = []
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads: thread.start()
        if (child := os.fork()) == 0:
            signal.alarm(100)  # a child that hangs must not outlive the test
            ask()
            os._exit(0)
        for thread in threads: thread.join()
        assert os.waitpid(child, 0)[1] == 0
        assert len(found) == 8 and len(set(found)) == 1
        print("done")
    """
    module = load(pipeline=text + "def f200(x): return x\nprocess = f0\n")
    folder = Path(module.__file__).parent
    write(folder, {"program.py": program.replace("{folder!r}", repr(str(folder)))})
    assert run("program.py", cwd=folder) == "done\n"


def test_a_fork_waits_for_imports(tmp_path):
    """A fingerprint imports modules late, and a child could not import what its parent has begun.

    That holds without the lake, as where a program uses this part alone.
    """
    program = """
        import os, signal, sys, threading
        signal.alarm(60)
        import radops.provenance.fingerprint
        begun = threading.Event()
        sys.begun = begun
        thread = threading.Thread(target=__import__, args=("slow",))
        thread.start()
        assert begun.wait(30)
        if (child := os.fork()) == 0:
            signal.alarm(50)
            import slow
            os._exit(0 if slow.done else 1)
        thread.join()
        assert os.waitpid(child, 0)[1] == 0
        print("done")
    """
    slow = """
        import sys, time
        sys.begun.set()
        time.sleep(0.5)
        done = True
    """
    write(tmp_path, {"program.py": program, "slow.py": slow})
    assert run("program.py", cwd=tmp_path) == "done\n"
