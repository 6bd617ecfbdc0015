"""Which differences between a file and its model are found."""

import numpy as np
import pytest

from keras_seg.export.compare import check_batches, compare

pytestmark = pytest.mark.no_backend


def logits():
    """Those of one image; class 1 is the largest, with a margin of 2."""
    x = np.zeros((1, 4, 5, 3), "float32")
    x[..., 1], x[..., 2] = 10, 8
    return x


def changed(value, place=(0, 2, 3, 2)):
    x = logits()
    x[place] = value
    return x


def test_the_same_is_accepted():
    found = compare({"a": logits()}, {"a": logits() + 1e-4})
    assert found["different_labels"] == 0
    assert found["largest_difference"] == pytest.approx(1e-5, rel=0.1)


@pytest.mark.parametrize("value", [12.0, np.nan, np.inf, 8.5])
def test_one_other_logit_is_found(value):
    with pytest.raises(ValueError, match="images of a pixels"):
        compare({"a": logits()}, {"a": changed(value)})


@pytest.mark.parametrize(("factor", "offset"), [(1e-4, 0), (1, 500), (1e3, 0)])
def test_the_range_of_logits_sets_the_tolerance(factor, offset):
    expected = logits() * factor + offset
    compare({"a": expected}, {"a": expected + np.float32(1e-5 * factor)})
    for value in (12.0, 9.0):
        with pytest.raises(ValueError, match="images of a pixels"):
            compare({"a": expected}, {"a": changed(value) * factor + offset})


def test_another_label_is_named():
    message = r"5.00% of the labels differ, first .* \(0, 2, 3\): 2 in place of 1"
    with pytest.raises(ValueError, match=message):
        compare({"a": logits()}, {"a": changed(12.0)})


def test_the_second_batch_is_compared_too():
    expected = {"a": logits(), "b": logits()}
    with pytest.raises(ValueError, match="images of b pixels"):
        compare(expected, {"a": logits(), "b": changed(12.0)})


def test_another_shape_is_found():
    with pytest.raises(ValueError, match=r"shape \(1, 1, 1, 3\)"):
        compare({"a": logits()}, {"a": logits()[:, :1, :1]})


def test_labels_are_compared():
    labels = np.full((1, 4, 5), 1, "uint8")
    assert compare({"a": logits()}, {"a": labels}, labels=True) == {
        "images": ["a"],
        "different_labels": 0,
        "largest_difference": None,
    }
    for wrong in (0, 7):
        labels[0, 1, 1] = wrong
        with pytest.raises(ValueError, match=f"{wrong} in place of 1"):
            compare({"a": logits()}, {"a": labels}, labels=True)


def test_rounding_may_decide_between_equal_logits():
    tied, other = changed(10.0), changed(10.0 + 1e-5)
    assert compare({"a": tied}, {"a": other})["different_labels"] == 0


def test_absent_classes_do_not_set_the_scale():
    """`ScatterClasses` gives them a logit of -1e4."""
    expected, output = (np.concatenate([x, x - 1e4], -1) for x in (logits(), logits()))
    output[0, 2, 3, 2] = 8.5
    with pytest.raises(ValueError, match="logits differ"):
        compare({"a": expected}, {"a": output})


def test_half_precision_may_change_a_few_labels():
    expected = {"a": np.repeat(logits(), 10, axis=0)}
    output = expected["a"].copy()
    output[0, 0, 0, 0] = 11
    found = compare(expected, {"a": output}, weights="float16")
    assert found["different_labels"] == pytest.approx(1 / 200)
    output[:1, 0, :, 0] = 11
    with pytest.raises(ValueError, match="labels differ"):
        compare(expected, {"a": output}, weights="float16")


def test_there_are_two_sizes_and_a_batch_of_two():
    shapes = [x.shape for x in check_batches().values()]
    assert len({shape[1:3] for shape in shapes}) == 2
    assert sorted(shape[0] for shape in shapes) == [1, 2]
    assert all(side % 2 for shape in shapes for side in shape[2:3])
    fixed = [x.shape for x in check_batches((64, 96)).values()]
    assert fixed == [(1, 64, 96, 3), (2, 64, 96, 3)]
    for images in check_batches().values():
        assert images.dtype == np.uint8 and images.std() > 20
