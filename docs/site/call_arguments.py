"""Shows the section "Call arguments" of docstrings as a list, as "Args" is."""

import re

import griffe

SECTION = re.compile(r"^( *)Call arguments:\n((?:\1    .*\n)+)", re.MULTILINE)


class CallArguments(griffe.Extension):
    def on_object(self, *, obj, **kwargs):
        """Changes the docstring of a class or function, before it is parsed."""
        if obj.docstring:
            obj.docstring.value = SECTION.sub(_as_list, obj.docstring.value)


def _as_list(match):
    indent, text = match[1] + "    ", match[2]
    items = re.sub(rf"^{indent}(\w.*?): ", rf"{indent}- **`\1`** – ", text, flags=re.M)
    return f"{match[1]}Call arguments:\n{items}"
