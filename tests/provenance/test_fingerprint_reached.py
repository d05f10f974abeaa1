"""The ways to reach code that a fingerprint follows."""

from __future__ import annotations

import pytest

from radops.provenance.fingerprint import fingerprint

WAYS = {
    "attribute of a module of a package": {
        "pipeline": "import pkg.deep.mod\ndef process(): return pkg.deep.mod.help()",
        "pkg__in____init__": "", "pkg__in__deep__in____init__": "",
        "pkg__in__deep__in__mod": "def help(): return VALUE",
    },
    "name handed on by a package": {
        "pipeline": "from pkg import help\ndef process(): return help()",
        "pkg__in____init__": "from .mod import help",
        "pkg__in__mod": "def help(): return VALUE",
    },
    "star import": {
        "pipeline": "from mod import *\ndef process(): return help()",
        "mod": "from inner import *", "inner": "def help(): return VALUE",
    },
    "import within the function": {
        "pipeline": "def process():\n    from mod import help as h\n    return h()",
        "mod": "def help(): return VALUE",
    },
    "import of a module within the function": {
        "pipeline": "def process():\n    import pkg.mod as m\n    return [m.help() for _ in 'a']",
        "pkg__in____init__": "", "pkg__in__mod": "def help(): return VALUE",
    },
    "namespace package": {
        "pipeline": "from space.mod import help\ndef process(): return help()",
        "space__in__mod": "def help(): return VALUE",
    },
    "decorator": {
        "pipeline": "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def w():\n"
        "        return f() + VALUE\n    return w\n@timed\ndef process(): return 1",
    },
    "wrapper that was put around it later": {
        "pipeline": "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def w():\n"
        "        return f() + VALUE\n    return w\ndef plain(): return 1\nprocess = timed(plain)",
    },
    "decorator of a helper": {
        "pipeline": "def twice(f): return lambda: f() * VALUE\n@twice\ndef help(): return 1\n"
        "def process(): return help()",
    },
    "default value": {
        "pipeline": "def help(): return VALUE\ndef process(how=help): return how()",
    },
    "closure": {
        "pipeline": "def help(): return VALUE\ndef make(how):\n    def inner(): return how()\n"
        "    return inner\nprocess = make(help)",
    },
    "value in a closure": {
        "pipeline": "def make(rate):\n    def inner(): return rate\n    return inner\n"
        "process = make({'a': [VALUE]})",
    },
    "default of a nested function": {
        "pipeline": "def make(rate):\n    def inner(r=rate): return r\n    return inner\n"
        "process = make(VALUE)",
    },
    "closure over a bound method's class": {
        "pipeline": "class A:\n    def go(self): return VALUE\ndef make(how):\n"
        "    def inner(): return how()\n    return inner\nprocess = make(A().go)",
    },
    "base class": {
        "pipeline": "class A:\n    def go(self): return VALUE\nclass B(A): pass\n"
        "def process(): return B().go()",
    },
    "metaclass, annotation, type of an argument": {
        "pipeline": "class M(type): x = VALUE\nclass C(metaclass=M): pass\n"
        "def process(c: 'C', d: C): return c",
    },
    "lambda": {"pipeline": "process = lambda: VALUE"},
    "lambda in a table": {
        "pipeline": "HOW = {'a': lambda x: x * VALUE}\ndef process(): return HOW['a'](1)",
    },
    "table that is filled later": {
        "pipeline": "HOW = {}\nHOW['a'] = VALUE\ndef process(): return HOW",
    },
    "conditional definition": {
        "pipeline": "try:\n    import not_there\nexcept ImportError:\n"
        "    def help(): return VALUE\ndef process(): return help()",
    },
    "condition": {
        "pipeline": "import sys\nif sys.flags.debug == VALUE:\n    A = 5\nelse:\n    A = 6\n"
        "def process(): return A",
    },
    "name bound by a condition": {
        "pipeline": "if A := VALUE:\n    B = A\ndef process(): return A",
    },
    "loop": {"pipeline": "for i in range(3):\n    LAST = i + VALUE\ndef process(): return LAST"},
    "instance": {
        "pipeline": "class S:\n    def __init__(self): self.rate = VALUE\nsettings = S()\n"
        "def process(): return settings.rate",
    },
    "getattr with a literal": {
        "pipeline": "import mod\ndef process(): return getattr(mod, 'help')()",
        "mod": "def help(): return VALUE",
    },
    "getattr of the module": {
        "pipeline": "import mod\ndef process(): return mod.anything",
        "mod": "def __getattr__(name): return VALUE",
    },
    "modules that import from each other": {
        "pipeline": "import a\ndef process(): return a.f()",
        "a": "def f():\n    import b\n    return b.g()",
        "b": "def g():\n    import a\n    return a.f() if VALUE else 0",
    },
    "circle of imports of one name": {
        "pipeline": "import a\ndef process(): return a.f, VALUE",
        "a": "from b import f", "b": "try:\n    from a import f\nexcept ImportError:\n    f = 1",
    },
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.replace(" ", "-"))
def test_ways_to_reach_code(load, way):
    found = [
        fingerprint(load(**{k: t.replace("VALUE", value) for k, t in WAYS[way].items()}).process)
        for value in ("1", "2", "1.0", "1")
    ]
    assert len({item.digest for item in found}) == 3
    assert found[0].digest == found[3].digest
    dynamic = way == "getattr of the module"
    assert bool(found[0].unfollowed) == dynamic


def test_methods_reach_their_class(load):
    text = """
        class Base:
            def help(self): return {value}
        class Model(Base):
            def fit(self): return self.go()
            def go(self): return self.help()
            @classmethod
            def make(cls): return cls()
    """
    for name in ("fit", "make"):
        found = {
            fingerprint(getattr(load(pipeline=text.format(value=v)).Model, name)).digest
            for v in (1, 2)
        }
        assert len(found) == 2
