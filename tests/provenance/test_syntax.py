"""The canonical form of syntax, which can never change."""

from __future__ import annotations

import ast

from radops.provenance.syntax import canonical


def test_canonical_form_is_what_its_description_says():
    tree = ast.parse("def f(a, *, b=1):\n    'doc'\n    return a.b[-1:, 'é'] + {**c, 1: u'x'}['k']")
    assert canonical(tree.body[0]).decode() == (
        "(FunctionDef args=(arguments args=[(arg arg=s1:a)] "
        "kw_defaults=[(Constant value=int3:0x1)] kwonlyargs=[(arg arg=s1:b)]) "
        "body=[(Return value=(BinOp left=(Subscript slice=(Tuple elts=[(Slice "
        "lower=(UnaryOp op=(USub) operand=(Constant value=int3:0x1)))(Constant value=str2:é)]) "
        "value=(Attribute attr=s1:b value=(Name id=s1:a))) op=(Add) right=(Subscript "
        "slice=(Constant value=str1:k) value=(Dict keys=[-(Constant value=int3:0x1)] "
        "values=[(Name id=s1:c)(Constant value=str1:x)]))))] name=s1:f)"
    )


def test_f_strings_have_one_form():
    for one, two in (
        ('f"{a:}"', 'f"{a}"'), ('f"{a}" "b" f"c"', 'f"{a}bc"'), ('f"{a:{b}}" ""', 'f"{a:{b}}"'),
    ):  # fmt: skip
        assert canonical(ast.parse(one)) == canonical(ast.parse(two))
    assert canonical(ast.parse('f"{a!r}"')) != canonical(ast.parse('f"{a}"'))
