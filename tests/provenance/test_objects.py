"""Objects that code reaches through variables: what of them the fingerprint covers."""

from __future__ import annotations

import pytest

from provenance.programs import run, write
from radops.provenance.fingerprint import fingerprint

MAKE = "def make(how):\n    def inner(): return how\n    return inner\n"

# Each is a program with VALUE in it, in which `process` behaves differently for another VALUE.
OBJECTS = {
    "bound method of an object with state": (
        "class A:\n    def __init__(self, rate): self.rate = rate\n"
        "    def go(self): return self.rate\nprocess = make(A(VALUE).go)"
    ),
    "bound method of an object with slots": (
        "class A:\n    __slots__ = ('rate',)\n    def __init__(self, rate): self.rate = rate\n"
        "    def go(self): return self.rate\nprocess = make(A(VALUE).go)"
    ),
    "object with state": (
        "class A:\n    def __init__(self, rate): self.rate = rate\nprocess = make(A(VALUE))"
    ),
    "object whose state is an object": (
        "class B:\n    def __init__(self, rate): self.rate = rate\n"
        "class A:\n    def __init__(self, rate): self.b = [B(rate)]\nprocess = make(A(VALUE))"
    ),
    "code of the class of an object": (
        "class A:\n    def go(self): return VALUE\nprocess = make(A())"
    ),
    "dataclass instance": (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    rate: float = 0\n"
        "process = make(A(VALUE))"
    ),
    "method of a compiled pattern": (
        "import re\nprocess = make(re.compile('VALUE').findall)"
    ),
    "flags of a compiled pattern": (
        "import re\nprocess = make(re.compile('x', 0 if VALUE == 1 else re.I).findall)"
    ),
    "method of a list": "process = make([VALUE].index)",
    "method of text": "process = make('VALUE'.join)",
    "partial": (
        "import functools\ndef help(x): return x\nprocess = make(functools.partial(help, VALUE))"
    ),
    "keyword of a partial": (
        "import functools\ndef help(x): return x\n"
        "process = make(functools.partial(help, x=VALUE))"
    ),
    "code of a partial": (
        "import functools\ndef help(x): return VALUE\nprocess = make(functools.partial(help, 1))"
    ),
    "partial that names what it wraps": (
        "import functools\ndef help(x): return x\n"
        "process = make(functools.update_wrapper(functools.partial(help, VALUE), help))"
    ),
    "partial of a bound method": (
        "import functools\nclass A:\n    def __init__(self, rate): self.rate = rate\n"
        "    def go(self, x): return self.rate\n"
        "process = make(functools.partial(A(VALUE).go, 3))"
    ),
    "object around a function": (
        "import functools\nclass Scaled:\n    def __init__(self, f, by):\n"
        "        functools.update_wrapper(self, f)\n        self.by = by\n"
        "    def __call__(self, x): return self.by * self.__wrapped__(x)\n"
        "def help(x): return x\nprocess = make(Scaled(help, VALUE))"
    ),
    "code of an object around a function": (
        "import functools\nclass Scaled:\n    def __init__(self, f):\n"
        "        functools.update_wrapper(self, f)\n"
        "    def __call__(self, x): return VALUE * self.__wrapped__(x)\n"
        "def help(x): return x\nprocess = make(Scaled(help))"
    ),
    "cached function": (
        "import functools\n@functools.lru_cache\ndef help(x): return VALUE\nprocess = make(help)"
    ),
    "class made by a function": (
        "def make_class(n):\n    class K:\n        def go(self): return n\n    return K\n"
        "process = make(make_class(VALUE))"
    ),
    "attribute of a class made by a function": (
        "def make_class(n):\n    class K:\n        x = n\n    return K\n"
        "process = make(make_class(VALUE))"
    ),
    "property of a class made by a function": (
        "def make_class(n):\n    class K:\n        @property\n        def go(self): return n\n"
        "    return K\nprocess = make(make_class(VALUE))"
    ),
    "static method of a class made by a function": (
        "def make_class(n):\n    class K:\n        @staticmethod\n        def go(): return n\n"
        "    return K\nprocess = make(make_class(VALUE))"
    ),
    "base of a class made by a function": (
        "def make_class(base):\n    class K(base): pass\n    return K\n"
        "def base(n):\n    class B:\n        def go(self): return n\n    return B\n"
        "process = make(make_class(base(VALUE)))"
    ),
    "object of a class made by a function": (
        "def make_class(n):\n    class K:\n        def go(self): return n\n    return K\n"
        "process = make(make_class(VALUE)())"
    ),
    "method of a class made by a function": (
        "def make_class(n):\n    class K:\n        def go(self): return n\n    return K\n"
        "process = make(make_class(VALUE)().go)"
    ),
    "class method": (
        "class A:\n    rate = VALUE\n    @classmethod\n    def go(cls): return cls.rate\n"
        "process = make(A.go)"
    ),
    "subclass that a class method is taken from": (
        "class A:\n    @classmethod\n    def go(cls): return cls.rate\n"
        "class B(A): rate = VALUE\nprocess = make(B.go)"
    ),
    "function with attributes of its own defaults": (
        "def outer(n):\n    def help(x, n=n): return n\n    return help\n"
        "process = make(outer(VALUE))"
    ),
    "getter": "import operator\nprocess = make(operator.itemgetter(VALUE))",
    "list of objects": (
        "import functools\ndef help(x): return x\n"
        "process = make([functools.partial(help, VALUE)])"
    ),
    "dict of functions": "process = make({'a': lambda x: x * VALUE})",
}  # fmt: skip


@pytest.mark.parametrize("name", OBJECTS, ids=lambda name: name.replace(" ", "-"))
def test_objects_in_closures_count(load, name):
    """Also those of which a part is opaque: what they are is in the key, or said by name."""
    found = [
        fingerprint(load(pipeline=MAKE + OBJECTS[name].replace("VALUE", value)).process)
        for value in ("1", "2", "1")
    ]
    assert found[0].digest != found[1].digest
    assert found[0].digest == found[2].digest
    assert found[0].unfollowed == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("process = make(object())", "how: a value of type object"),
        ("import threading\nprocess = make(threading.Lock().acquire)", "how: a value of type lock"),
        (
            "import functools\ndef f(x): pass\nprocess = make(functools.partial(f, object()))",
            "how: a value of type object",
        ),
        (
            "class A:\n    def go(self): pass\na = A()\na.lock = object()\nprocess = make(a.go)",
            "how.lock: a value of type object",
        ),
        (
            "class A(dict):\n    def go(self): pass\nprocess = make(A(x=1).go)",
            "how: a value of type A",
        ),
        (
            (
                "def make_class(n):\n    class K:\n        x = n\n    return K\n"
                "process = make(make_class(object()))"
            ),
            "how.x: a value of type object",
        ),
    ],
)
def test_what_of_an_object_is_not_covered_is_said(load, text, expected):
    found = fingerprint(load(pipeline=MAKE + text).process)
    assert found.unfollowed == (f"inner (pipeline.py:2): {expected}",)


def test_state_that_changes_is_noticed(load):
    text = """
        import functools
        class A:
            def __init__(self, rate): self.rate = rate
            def go(self, x=0): return self.rate
        a = A(1)
        def make(how):
            def inner(): return how
            return inner
        process, other, third = make(a.go), make([functools.partial(a.go, x=1)]), make(a)
    """
    module = load(pipeline=text)
    for name in ("process", "other", "third"):
        module.a.rate = 1
        first = fingerprint(getattr(module, name)).digest
        module.a.rate = 2
        second = fingerprint(getattr(module, name)).digest
        module.a.rate = 1
        assert fingerprint(getattr(module, name)).digest == first != second


def test_objects_that_contain_themselves(load):
    text = "class A:\n    def __init__(self): self.me, self.n = self, VALUE\nprocess = make(A())"
    found = [
        fingerprint(load(pipeline=MAKE + text.replace("VALUE", value)).process).digest
        for value in ("1", "2", "1")
    ]
    assert found[0] == found[2] != found[1]


def test_objects_of_a_script_have_one_form_however_it_is_started(tmp_path):
    text = """
        class A:
            def __init__(self, rate): self.rate = rate
            def go(self): return self.rate
        def make(how):
            def inner(): return how
            return inner
        process = make(A(1).go)
        if __name__ == "__main__":
            from radops.provenance.fingerprint import fingerprint
            print(fingerprint(process).digest)
    """
    write(tmp_path, {"pipeline.py": text})
    command = "import pipeline; from radops.provenance.fingerprint import fingerprint\n"
    command += "print(fingerprint(pipeline.process).digest)"
    assert run("pipeline.py", cwd=tmp_path) == run("-c", command, cwd=tmp_path)
