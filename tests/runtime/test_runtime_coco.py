"""Label maps as annotations of COCO."""

import numpy as np
import pytest

from keras_seg_runtime import coco_annotations

pytestmark = pytest.mark.no_backend


def decoded(segmentation):
    """As COCO defines it: runs of 0 and 1 in turn, column by column."""
    values = np.arange(len(segmentation["counts"])) % 2
    flat = np.repeat(values, segmentation["counts"])
    return flat.reshape(segmentation["size"], order="F").astype(bool)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (5, 8), (33, 21)], ids=str)
def test_every_pixel_is_kept(size):
    labels = np.random.default_rng(0).integers(0, 4, size).astype("uint8")
    labels[labels == 3] = 255
    found = np.full(size, 255)
    for annotation in coco_annotations(labels, num_classes=3):
        mask = decoded(annotation["segmentation"])
        found[mask] = annotation["category_id"]
        left, top, width, height = annotation["bbox"]
        rows, columns = np.nonzero(mask)
        assert (top, top + height - 1) == (rows.min(), rows.max())
        assert (left, left + width - 1) == (columns.min(), columns.max())
        assert annotation["area"] == mask.sum() > 0
    np.testing.assert_array_equal(found, labels)


def test_ids_go_on():
    labels = np.array([[0, 2], [255, 2]])
    annotations = coco_annotations(labels, 3, image_id=7, first_id=5)
    assert [a["id"] for a in annotations] == [5, 6]
    assert {a["image_id"] for a in annotations} == {7}
    assert [a["category_id"] for a in annotations] == [0, 2]


@pytest.mark.parametrize("labels", [np.zeros((2, 2, 1), int), np.zeros((2, 2))])
def test_other_arrays_are_refused(labels):
    with pytest.raises(ValueError, match="must be an integer array"):
        coco_annotations(labels, 2)
