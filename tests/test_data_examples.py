"""The examples in the docstrings of `keras_seg.data` run."""

import inspect
import re
import textwrap

import pytest

from keras_seg import data


@pytest.mark.parametrize("name", data.__all__)
def test_example(name):
    text = inspect.getdoc(getattr(data, name))
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert examples, f"{name} has no example"
    for example in examples:
        exec(compile(textwrap.dedent(example), name, "exec"), {})
