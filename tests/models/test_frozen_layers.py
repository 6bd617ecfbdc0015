"""What is frozen stays frozen in saved models, and optimizers keep their state."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny_backbone import TinyBackbone
from tiny_ecenet import tiny_ecenet
from tiny_segmenter import TinySegmenter

import keras_seg
from keras_seg.keras_internals.inference_function import run_inference
from keras_seg.keras_internals.trainable_state import (
    set_trainable_state,
    trainable_state,
)
from keras_seg.training.freeze_features import unfreeze

CHOICES = {
    "backbone": lambda model: [model.backbone],
    "layers of the backbone": lambda model: model.backbone.layers[2:4],
    "norms": lambda model: [x for x in model.backbone.layers if "norm" in x.name],
    "head": lambda model: [model.head],
    "layer of the head": lambda model: [model.head.classifier],
    "variable": lambda model: [model.head.classifier.bias],
    "pyramid": lambda model: [model.pyramid],
    "model": lambda model: [model],
}


def trained_paths(model):
    return [variable.path for variable in model.trainable_variables]


def flags(model):
    layers = [model.backbone, *model.backbone.layers, model.head, model.pyramid]
    return [layer.trainable for layer in [model, *layers, model.head.classifier]]


def data():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 16, 16, 3), "uint8")
    return images, rng.integers(0, 3, (2, 16, 16), "uint8")


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_frozen_stays_frozen(choice, tmp_path):
    model = TinySegmenter()
    everything = len(model.trainable_variables)
    for part in CHOICES[choice](model):
        part.trainable = False
    model.save(tmp_path / "model.keras")
    assert len(model.trainable_variables) < everything
    for copy in (
        TinySegmenter.from_config(model.get_config()),
        keras.saving.load_model(tmp_path / "model.keras"),
    ):
        assert trained_paths(copy) == trained_paths(model)
        assert flags(copy) == flags(model)


def test_freezing_does_not_change_a_compiled_prediction():
    """JAX passes the weights to a compiled function, in an order of its own."""
    inputs = keras.Input((None, None, 3))
    first, second = (
        keras.layers.Conv2D(3, 1, use_bias=False, name=name) for name in "ab"
    )
    model = keras.Model(inputs, second(keras.activations.relu(first(inputs))))
    images = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    first.trainable = False
    before = run_inference(model, images)
    first.trainable, second.trainable = True, False
    np.testing.assert_allclose(run_inference(model, images), before, atol=1e-6)


def test_unfreeze_trains_what_a_new_model_trains():
    for model_class in (keras_seg.CPT, keras_seg.SGR):
        model = model_class(TinyBackbone(), 3, hidden_dim=8)
        everything = len(model.trainable_variables)
        keras_seg.training.freeze_features(model)
        assert len(model.trainable_variables) < everything
        unfreeze(model)
        assert len(model.trainable_variables) == everything


def test_an_unfrozen_layer_in_a_frozen_backbone():
    model = TinySegmenter()
    model.backbone.trainable = False
    model.backbone.layers[-2].trainable = True
    copy = TinySegmenter.from_config(model.get_config())
    assert trained_paths(copy) == trained_paths(model) and flags(copy) == flags(model)
    assert 0 < len(trained_paths(copy))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("optimizer", ["auto", "own"])
def test_the_optimizer_keeps_its_state(optimizer, moment, tmp_path, recwarn):
    model = TinySegmenter()
    if moment == "before":
        model.backbone.trainable = False
    own = keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile("auto" if optimizer == "auto" else own)
    model.fit(*data(), verbose=0)
    if moment == "after":  # and not compiled again
        model.backbone.trainable = False
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not [w for w in recwarn if "Skipping variable" in str(w.message)]
    expected, actual = model.optimizer.variables, loaded.optimizer.variables
    assert len(actual) == len(expected) > 2 and int(loaded.optimizer.iterations) == 1
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(a), ops.convert_to_numpy(e), err_msg=e.path
        )


def test_a_model_without_a_step_loads_without_a_warning(tmp_path, recwarn):
    TinySegmenter().save(tmp_path / "model.keras")
    keras.saving.load_model(tmp_path / "model.keras").fit(*data(), verbose=0)
    assert not [w for w in recwarn if "Skipping variable" in str(w.message)]


def test_names_that_keras_numbers_do_not_matter():
    def stack():
        return keras.Sequential(
            [keras.Input((2,)), *(keras.layers.Dense(2) for _ in range(3))],
            name="stack",
        )

    first, second = stack(), stack()
    first.layers[1].trainable = False
    state = trainable_state({"model": first})
    assert state == {"model/dense#2": False}
    assert set_trainable_state({"model": second}, state) == []
    assert [x.trainable for x in second.layers] == [True, False, True]
    assert set_trainable_state({"model": second}, {"model/gone": False}) == [
        "model/gone"
    ]


def test_new_class_layers_of_a_frozen_head_are_trained(tmp_path):
    model = tiny_ecenet()
    model.head.trainable = False
    model.save_to_preset(tmp_path / "preset")
    same = keras_seg.ECENet.from_preset(tmp_path / "preset")
    assert trained_paths(same) == trained_paths(model)
    other = keras_seg.ECENet.from_preset(tmp_path / "preset", num_classes=2)
    new = {v.path for x in other.head.class_layers for v in x.trainable_variables}
    assert new and set(trained_paths(other)) - set(trained_paths(model)) == new


def test_clone_model_says_how_to_copy():
    model = TinySegmenter()
    with pytest.raises(ValueError, match=r"TinySegmenter.from_config.*deepcopy"):
        keras.models.clone_model(model)
