"""The classes of the data sets that papers report on."""

import pytest

from keras_seg.data.sources.ade20k import ADE20K_COLOURS
from keras_seg.data.sources.cityscapes import (
    CITYSCAPES_COLOURS,
    CITYSCAPES_LABEL_IDS,
)
from keras_seg.data.sources.coco_stuff import (
    COCO_STUFF_COLOURS,
    COCO_STUFF_NAMES,
    COCO_STUFF_UNUSED_IDS,
)
from keras_seg.data.sources.pascal_context import PASCAL_CONTEXT_COLOURS

pytestmark = pytest.mark.no_backend


@pytest.mark.parametrize(
    "colours, count, first, last",
    [
        (ADE20K_COLOURS, 150, "wall", "flag"),
        (CITYSCAPES_COLOURS, 19, "road", "bicycle"),
        (PASCAL_CONTEXT_COLOURS, 59, "aeroplane", "wood"),
        (COCO_STUFF_COLOURS, 171, "person", "wood"),
    ],
)
def test_names_and_colours(colours, count, first, last):
    assert len(colours) == count
    assert list(colours)[0] == first and list(colours)[-1] == last
    for name, colour in colours.items():
        assert name == name.strip() and name
        assert len(colour) == 3 and all(0 <= value <= 255 for value in colour)


@pytest.mark.parametrize("colours", [PASCAL_CONTEXT_COLOURS, COCO_STUFF_COLOURS])
def test_our_own_colours_differ(colours):
    assert len(set(colours.values())) == len(colours)


def test_places_in_the_lists_that_are_known():
    assert list(CITYSCAPES_COLOURS).index("sky") == 10
    assert dict(zip(CITYSCAPES_LABEL_IDS, CITYSCAPES_COLOURS, strict=True))[23] == "sky"
    assert list(PASCAL_CONTEXT_COLOURS).index("building") == 24
    assert COCO_STUFF_NAMES.index("banner") == 80  # the first kind of stuff
    used = [i for i in range(1, 183) if i not in COCO_STUFF_UNUSED_IDS]
    assert len(used) == len(COCO_STUFF_NAMES)
    assert COCO_STUFF_NAMES[used.index(90)] == "toothbrush"  # the last thing
