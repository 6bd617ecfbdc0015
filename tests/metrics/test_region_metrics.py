"""Semantics and diversity of latent regions."""

import keras
import numpy as np
import pytest
import sgr_reference as reference
from random_weights import random_array

from keras_seg.metrics import RegionDiversity, RegionSemantics

VOID = 255


def scores(labels, regions, *args, **kwargs):
    result = []
    for metric_class in (RegionSemantics, RegionDiversity):
        metric = metric_class(*args, **kwargs)
        metric.update_state(labels, regions)
        result.append(float(metric.result()))
    return result


def random_scene(batch=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (batch, 6, 8))
    labels[rng.random(labels.shape) < 0.2] = VOID
    return labels, rng.integers(0, 5, (batch, 6, 8))


def test_against_numpy_over_several_updates():
    labels, ids = random_scene()
    labels[1, labels[1] != VOID] = 2  # one label only
    expected = [
        reference.semantics_and_diversity(*pair, VOID)
        for pair in zip(labels, ids, strict=True)
    ]
    for metric, wanted in zip(
        (RegionSemantics(4, 5), RegionDiversity(4, 5)),
        np.mean(expected, axis=0),
        strict=True,
    ):
        metric.update_state(labels[:2], ids[:2])
        metric.update_state(labels[2:, ..., None], ids[2:])
        assert float(metric.result()) == pytest.approx(wanted, abs=1e-6)
        metric.reset_state()
        assert float(metric.result()) == 0


def test_argmax_is_taken_of_maps_which_may_be_coarser():
    labels, _ = random_scene()
    maps = random_array(3, 3, 4, 5)
    small = labels[:, 1::2, 1::2]
    expected = scores(small, maps.argmax(axis=-1), 4, 5)
    assert scores(labels, maps, 4) == pytest.approx(expected)


def test_perfect_regions():
    labels, _ = random_scene()
    ids = np.where(labels == VOID, 0, labels)
    assert scores(labels, ids, 4, 5) == pytest.approx([1, 1])


def test_one_region_for_all():
    labels = np.array([[[0, 0, 1, 1, 2, 2]]])
    assert scores(labels, np.zeros_like(labels), 4, 5) == pytest.approx([0, 1 / 3])


def test_void_and_images_without_labels_change_nothing():
    labels, ids = random_scene()
    expected = scores(labels, ids, 4, 5)
    changed = np.where(labels == VOID, 4, ids)
    assert (changed != ids).any()
    assert scores(labels, changed, 4, 5) == pytest.approx(expected)
    labels = np.concatenate([labels, np.full((1, 6, 8), VOID)])
    assert scores(labels, np.concatenate([ids, ids[:1]]), 4, 5) == pytest.approx(
        expected
    )


def test_numbers_of_components_have_void_0():
    labels = np.array([[[0, 0, 1, 1, 2, 2]]])
    ids = np.array([[[3, 0, 1, 1, 2, 2]]])
    assert scores(labels, ids, 3, 4, ignore_class=0) == pytest.approx([1, 1])


@pytest.mark.parametrize("metric_class", [RegionSemantics, RegionDiversity])
def test_config_and_error(metric_class):
    metric = metric_class(4, 5, 0, name="mine")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    with pytest.raises(ValueError, match="num_regions"):
        metric_class(4).update_state(*random_scene())


def test_in_a_compiled_model():
    """Traced, with a batch size that is not known."""
    inputs = keras.Input((6, 8, 5))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    model.compile(loss=lambda y, p: 0.0 * p, metrics=[RegionSemantics(4)])
    labels, _ = random_scene()
    maps = random_array(3, 6, 8, 5)
    result = model.evaluate(maps, labels, batch_size=2, verbose=0, return_dict=True)
    expected = scores(labels, maps, 4)[0]
    assert result["region_semantics"] == pytest.approx(expected, abs=1e-6)
