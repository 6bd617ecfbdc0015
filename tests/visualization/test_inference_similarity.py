import numpy as np
import pytest

from keras_seg.visualization import draw_similarity
from keras_seg.visualization.similarity import COLOURS, EM

pytestmark = pytest.mark.no_backend

NAMES = ["sky", "road", "a long name"]
VECTORS = np.array([[1, 0], [-3, 0], [0, 2]])


def cell_colours(picture, count):
    """The corners of the cells, where no number is written, from the far end."""
    last = picture.shape[0] - EM - 3
    return [
        [picture[last - i * 3 * EM, last - j * 3 * EM] for j in reversed(range(count))]
        for i in reversed(range(count))
    ]


def test_each_cell_has_the_colour_of_its_cosine():
    picture = draw_similarity(NAMES, VECTORS)
    assert picture.dtype == np.uint8 and picture.shape[0] == picture.shape[1]
    low, middle, high = COLOURS
    expected = [[high, low, middle], [low, high, middle], [middle, middle, high]]
    np.testing.assert_array_equal(cell_colours(picture, 3), expected)


def test_a_vector_of_zeros_has_no_similarity():
    colours = cell_colours(draw_similarity(["a", "b"], [[1, 0], [0, 0]]), 2)
    np.testing.assert_array_equal(colours[1], [COLOURS[1]] * 2)


def test_names_are_written_beside_and_above():
    picture = draw_similarity(["road", "road"], np.eye(2))
    start = picture.shape[0] - EM - 2 * 3 * EM
    bright = (picture > 150).all(axis=-1)
    for i in range(2):
        cell = slice(start + i * 3 * EM, start + (i + 1) * 3 * EM)
        assert bright[cell, :start].any() and bright[:start, cell].any()
    assert not bright[:start, :start].any()


@pytest.mark.parametrize(
    ("names", "vectors"), [(NAMES, VECTORS[:2]), (NAMES, [1, 2, 3]), ([], [[]])]
)
def test_one_name_for_each_vector(names, vectors):
    with pytest.raises(ValueError, match="a name for each of K vectors"):
        draw_similarity(names, vectors)
