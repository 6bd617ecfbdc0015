"""Weights of classes that a preset knows by name."""

import keras
import numpy as np
import pytest

import keras_seg
from keras_seg.training import keep_known_classes

OLD, NEW = ["sky", "tree", "car"], ["tree", "cat", "sky", "dog"]
MODELS = {
    "ecenet": keras_seg.ECENet,
    "cpt": keras_seg.CPT,
    "sgr": keras_seg.SGR,
}


def make(kind, names, **options):
    backbone = keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35)
    return MODELS[kind](
        backbone,
        num_classes=options.pop("num_classes", len(names)),
        class_names=names,
        hidden_dim=8,
        **options,
    )


def class_slices(model, count):
    """All weights of the class layers that have `count` slices, those first."""
    for layer in model.head.class_layers:
        for value in layer.get_weights():
            for axis in range(value.ndim):
                if value.shape[axis] == count:
                    yield np.moveaxis(value, axis, 0)
                    break


@pytest.mark.parametrize("kind", MODELS)
def test_classes_of_the_same_name_keep_their_weights(kind):
    keras.utils.set_random_seed(0)
    known, model = make(kind, OLD), make(kind, NEW)
    before = [x.copy() for x in class_slices(model, 4)]
    assert keep_known_classes(model, known) == ["tree", "sky"]
    old, new = list(class_slices(known, 3)), list(class_slices(model, 4))
    assert len(old) == len(new) > 0
    for fresh, source, result in zip(before, old, new, strict=True):
        np.testing.assert_array_equal(result[0], source[1])  # tree
        np.testing.assert_array_equal(result[2], source[0])  # sky
        np.testing.assert_array_equal(result[[1, 3]], fresh[[1, 3]])


def test_classes_that_were_never_learned_are_not_known():
    known = make("ecenet", ["a", *OLD], num_classes=4, classes_learned=[1, 3])
    model = make("ecenet", NEW)
    assert keep_known_classes(model, known) == ["sky"]


def test_nothing_is_kept_without_names_or_where_axes_are_ambiguous():
    known, model = make("ecenet", ["a", "b"]), make("ecenet", NEW)
    before = model.get_weights()
    assert keep_known_classes(model, known) == []
    names = [f"class {i}" for i in range(8)]  # as many as channels
    same = make("ecenet", names)
    assert keep_known_classes(same, make("ecenet", names)) == []
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
