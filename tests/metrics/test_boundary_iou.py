"""Boundary IoU against brute force."""

import math

import numpy as np
import pytest

from keras_seg.metrics import BoundaryIoU

pytestmark = pytest.mark.no_backend

VOID = 255


def reference(truth, guess, classes, ratio):
    """By distances: a pixel is near the border if a pixel outside is near it."""
    height, width = truth.shape
    distance = max(1, round(ratio * math.hypot(height, width)))
    overlap, union = np.zeros(classes), np.zeros(classes)
    for k in range(classes):
        bands = []
        for labels in (truth, guess):
            band = np.zeros(truth.shape, bool)
            for y, x in zip(*np.nonzero(labels == k), strict=True):
                for v in range(y - distance, y + distance + 1):
                    for u in range(x - distance, x + distance + 1):
                        inside = 0 <= v < height and 0 <= u < width
                        if not inside or (labels[v, u] != k and truth[v, u] != VOID):
                            band[y, x] = True
            bands.append(band & (truth != VOID))
        overlap[k] += np.sum(bands[0] & bands[1])
        union[k] += np.sum(bands[0] | bands[1])
    return overlap, union


def blocks(seed, ids, size=(23, 31), cell=6):
    rng = np.random.default_rng(seed)
    coarse = rng.choice(ids, (-(-size[0] // cell), -(-size[1] // cell)))
    return np.kron(coarse, np.ones((cell, cell), int))[: size[0], : size[1]]


@pytest.mark.parametrize("ratio", [0.02, 0.06])
def test_equals_brute_force(ratio):
    metric = BoundaryIoU(4, dilation_ratio=ratio)
    totals = np.zeros((2, 4))
    for seed in range(3):
        truth = blocks(seed, [0, 1, 2, VOID])
        guess = np.where(blocks(seed + 9, [0, 1], cell=9) > 0, truth, 1) % 3
        metric.update_state(truth.astype("uint8"), guess)
        totals += reference(truth, guess, 4, ratio)
    np.testing.assert_array_equal(metric.overlap, totals[0])
    np.testing.assert_array_equal(metric.union, totals[1])
    values = totals[0][:3] / totals[1][:3]
    np.testing.assert_allclose(metric.class_iou()[:3], values)
    assert np.isnan(metric.class_iou()[3])  # in neither
    assert metric.result() == pytest.approx(values.mean())


def test_equal_maps_have_one_and_shifted_borders_less():
    truth = np.zeros((60, 60), int)
    truth[15:45, 15:45] = 1
    same, shifted = BoundaryIoU(2), BoundaryIoU(2)
    same.update_state(truth, truth)
    shifted.update_state(truth, np.roll(truth, 1, axis=0))
    assert same.result() == 1.0
    plain = (29 * 30) / (31 * 30)
    assert shifted.class_iou()[1] < plain  # the inside hides the border in IoU


def test_void_changes_nothing():
    truth, guess = blocks(1, [0, 1]), blocks(2, [0, 1])
    void = np.full_like(truth, VOID)
    metric = BoundaryIoU(2)
    metric.update_state(void, guess)
    assert metric.result() == 0.0 and not metric.union.any()
    metric.update_state(truth, guess)
    counted = metric.union.copy()
    metric.reset_state()
    assert not metric.union.any()
    metric.update_state(truth, guess)
    np.testing.assert_array_equal(metric.union, counted)


@pytest.mark.parametrize(
    "truth, guess, words",
    [
        (np.zeros((4, 4)), np.zeros((4, 4), int), "y_true.*float64"),
        (np.zeros((4, 4), int), np.zeros((4, 4, 2), int), r"y_pred.*\(4, 4, 2\)"),
        (np.zeros((4, 4), int), np.zeros((4, 5), int), "one size"),
    ],
)
def test_what_is_no_label_map_is_refused(truth, guess, words):
    with pytest.raises(ValueError, match=words):
        BoundaryIoU(2).update_state(truth, guess)


@pytest.mark.parametrize("ratio", [0, -1, 2])
def test_the_ratio_is_checked(ratio):
    with pytest.raises(ValueError, match="dilation_ratio"):
        BoundaryIoU(2, dilation_ratio=ratio)
