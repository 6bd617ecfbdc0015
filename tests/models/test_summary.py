"""The summary is that of `keras.Model`: the preprocessor is one of the layers."""

import pytest
from tiny_segmenter import TinySegmenter

pytestmark = pytest.mark.no_backend


def test_there_is_no_empty_table_of_the_preprocessor():
    lines = []
    TinySegmenter().summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    assert text.lstrip().startswith("Model:")
    assert "Preprocessor:" not in text and "preprocessor (Rescaling)" in text
