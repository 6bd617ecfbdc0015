"""The losses of latent regions, and who owns which region."""

import itertools

import numpy as np
import pytest
import sgr_reference as reference
from keras import ops
from numpy_reference import resize_nearest
from random_weights import random_array

from keras_seg import losses
from keras_seg.losses.assign_regions import assign_regions


def random_regions(*shape, seed=0):
    return reference.softmax(2 * random_array(*shape, seed=seed).astype("float64"), -1)


def random_components(batch, height, width, number, seed=0):
    return np.random.default_rng(seed).integers(0, number + 1, (batch, height, width))


def owners_by_brute_force(regions, masks):
    """Tries all assignments and takes the best by the rule, read as an order.

    The largest component's claim comes first, then the next one's and so on, then the
    sum of the overlaps of all other regions.
    """
    overlap = regions.T @ masks  # (K, M)
    areas = masks.sum(axis=0)
    order = sorted(
        np.flatnonzero(areas), key=lambda g: (-areas[g], masks[:, g].argmax())
    )
    num_regions = regions.shape[1]
    best, best_value = None, None
    claims = min(len(order), num_regions)
    for chosen in itertools.permutations(range(num_regions), claims):
        others = [k for k in range(num_regions) if k not in chosen]
        for rest in itertools.product(order, repeat=len(others)):
            value = [overlap[k, g] for k, g in zip(chosen, order, strict=False)]
            value.append(sum(overlap[k, g] for k, g in zip(others, rest, strict=True)))
            if best_value is None or value > best_value:
                best_value = value
                best = dict(zip(chosen, order, strict=False))
                best.update(zip(others, rest, strict=True))
    return best or {}


@pytest.mark.parametrize(
    ("num_regions", "number", "room"),
    [(4, 3, 3), (3, 4, 4), (5, 2, 3), (2, 1, 2), (3, 0, 2)],
)
def test_assignment_is_that_of_brute_force(num_regions, number, room):
    regions = random_regions(3, 12, num_regions, seed=num_regions)
    components = random_components(3, 1, 12, number, seed=number)[:, 0]
    masks = (components[..., None] == np.arange(1, room + 1)).astype("float32")
    owners = ops.convert_to_numpy(assign_regions(regions.astype("float32"), masks))
    for b in range(3):
        expected = np.zeros((num_regions, room))
        for k, g in owners_by_brute_force(regions[b], masks[b]).items():
            expected[k, g] = 1
        np.testing.assert_array_equal(owners[b], expected)


def test_largest_component_is_assigned_first():
    """Both like region 0 most; the smaller one has to take another."""
    components = np.array([[1, 1, 2, 2, 2]])
    masks = (components[..., None] == [1, 2]).astype("float32")
    regions = np.array([[[0.9, 0.1, 0.0]] * 2 + [[0.8, 0.0, 0.2]] * 3], "float32")
    owners = ops.convert_to_numpy(assign_regions(regions, masks))
    np.testing.assert_array_equal(owners[0], [[0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize("number", [1, 3, 7])
@pytest.mark.parametrize("size", [(6, 8), (12, 16)])
def test_region_loss(number, size):
    """Labels may be larger than the regions."""
    regions = random_regions(2, 6, 8, 5)
    components = random_components(2, *size, number)
    small = resize_nearest(components, 6, 8)
    actual = losses.region_loss(components, regions.astype("float32"), 7)
    expected = reference.region_loss(small, regions)
    assert float(actual) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_order_of_components_does_not_matter():
    regions = random_regions(1, 6, 8, 5).astype("float32")
    components = np.repeat(np.arange(1, 7), 8).reshape(1, 6, 8)  # all of one area
    components[0, 0, :3] = 0
    expected = float(losses.region_loss(components, regions, 9))
    rng = np.random.default_rng(0)
    for _ in range(5):
        numbers = np.concatenate([[0], 1 + rng.permutation(9)])
        loss = float(losses.region_loss(numbers[components], regions, 9))
        assert loss == pytest.approx(expected, abs=1e-6)


def test_void_changes_nothing():
    regions = random_regions(2, 6, 8, 5).astype("float32")
    components = random_components(2, 6, 8, 3)
    expected = float(losses.region_loss(components, regions))
    other = np.where(
        components[..., None] > 0, regions, random_regions(2, 6, 8, 5, seed=9)
    )
    assert np.abs(other - regions).max() > 0.1
    assert float(losses.region_loss(components, other)) == pytest.approx(expected)
    assert float(losses.region_loss(np.zeros_like(components), regions)) == 0


def test_more_components_than_the_cap():
    regions = random_regions(1, 6, 8, 5).astype("float32")
    components = random_components(1, 6, 8, 9)
    few = np.where(components <= 4, components, 0)
    expected = float(losses.region_loss(few, regions, 4))
    assert float(losses.region_loss(components, regions, 4)) == pytest.approx(expected)


def test_regions_that_are_components_have_no_loss():
    components = np.repeat([1, 2, 3], 16).reshape(1, 6, 8)
    regions = (components[..., None] == [1, 2, 3, 9]).astype("float32")
    assert float(losses.region_loss(components, regions)) < 1e-4
    assert float(losses.region_disjointness_loss(regions)) == 0


def test_disjointness_loss():
    regions = random_regions(2, 3, 4, 5)
    actual = float(losses.region_disjointness_loss(regions.astype("float32")))
    assert actual == pytest.approx(reference.disjointness_loss(regions), rel=1e-5)


def test_token_diversity_loss():
    tokens = random_array(2, 5, 8).astype("float64")
    actual = float(losses.token_diversity_loss(tokens.astype("float32")))
    assert actual == pytest.approx(reference.token_loss(tokens), rel=1e-5)
    assert np.isfinite(float(losses.token_diversity_loss(np.zeros((1, 3, 4)))))
