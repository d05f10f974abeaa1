"""Text of unknown origin made safe to show."""

from __future__ import annotations

import json

from radops.printable import json_text, message, one_line, printable


def test_invisible_characters_are_spelt_out():
    assert printable("a\n\x1b[31m\t\u202e\x9b") == "a\\n\\x1b[31m\\t\\u202e\\x9b"
    assert printable("a\tb", keep="\t") == "a\tb"
    assert printable("\udcff é 日本") == "\udcff é 日本"
    assert one_line("a\u200db\n\x85") == "a\u200db\\n\\x85"
    assert message("a\nerror: b\x1b") == "a\n  error: b\\x1b"
    for text in ("\x9b\u202e\u2028é\U000e0001", "plain"):
        document = json.dumps({"a": text}, ensure_ascii=False)
        assert json.loads(json_text(document)) == {"a": text}
        assert json_text(document).isprintable()
