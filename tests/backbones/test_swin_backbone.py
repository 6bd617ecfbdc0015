"""Swin as a feature pyramid equals keras-hub's where no map is padded."""

import keras
import keras_hub
import numpy as np
import pytest
from keras import ops
from random_weights import random_array, set_random_weights

from keras_seg.backbones.swin.window_attention import relative_position
from keras_seg.layers import WindowAttention
from keras_seg.models import SwinBackbone
from keras_seg.presets.pretrained_backbone import copy_weights


def tiny_swin(**kwargs):
    return SwinBackbone(8, [2, 2], [1, 2], window_size=4, **kwargs)


def test_equals_keras_hub_where_windows_fit():
    theirs = keras_hub.models.SwinTransformerBackbone(
        image_shape=(32, 32, 3),
        embed_dim=8,
        depths=(2, 1),
        num_heads=(2, 2),
        window_size=4,
    )
    set_random_weights(theirs, seed=1)
    ours = SwinBackbone(8, [2, 1], [2, 2], window_size=4)
    copy_weights(theirs, ours)
    ours.norms[-1].set_weights(theirs.norm.get_weights())
    images = random_array(1, 32, 32, 3)
    expected = np.reshape(theirs.predict_on_batch(images), (1, 4, 4, 16))
    np.testing.assert_allclose(
        ours.predict_on_batch(images)["P3"], expected, atol=1e-4, rtol=0
    )


def test_levels_of_odd_sizes_and_all_their_weights():
    backbone = tiny_swin()
    levels = backbone.predict_on_batch(random_array(2, 37, 50, 3))
    assert {k: v.shape for k, v in levels.items()} == {
        "P2": (2, 10, 13, 8),
        "P3": (2, 5, 7, 16),
    }
    assert list(backbone.pyramid_outputs) == ["P2", "P3"]
    assert {"norm_0/gamma", "norm_1/gamma"} <= {v.path for v in backbone.weights}


def test_padding_stands_behind_the_map_and_the_shift_does_not_mix_it_in():
    """A window of a padded map, computed by hand: padding comes before the shift."""
    layer = WindowAttention(num_heads=1, window_size=2, shift=1)
    x = random_array(1, 3, 3, 2)
    layer.build(x.shape)
    set_random_weights(layer, seed=3)
    actual = ops.convert_to_numpy(layer(x))
    kernel, bias, project, offset = (
        ops.convert_to_numpy(w)
        for w in [*layer.query_key_value.weights, *layer.projection.weights]
    )
    table = ops.convert_to_numpy(layer.position_bias)[:, 0]
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))[0]
    # After the shift the first window is rows and columns 1 and 2.
    window = padded[1:3, 1:3].reshape(4, 2) @ kernel + bias
    query, key, value = np.split(window, 3, axis=-1)
    scores = query @ key.T / np.sqrt(2) + table[relative_position(2)]
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    expected = (weights @ value @ project + offset).reshape(2, 2, 2)
    np.testing.assert_allclose(actual[0, 1:3, 1:3], expected, atol=1e-5)
    # Row 0 and row 3, the padding, share a window but do not see each other: each
    # corner is alone.
    corner = (padded[:1, 0] @ kernel + bias)[:, 4:] @ project + offset
    np.testing.assert_allclose(actual[0, 0, 0], corner[0], atol=1e-5)


def test_drop_path_leaves_out_whole_images_in_training_alone():
    block = tiny_swin(drop_path=0.9).stages[1][1]
    x = random_array(16, 4, 4, 16)
    np.testing.assert_array_equal(
        *[ops.convert_to_numpy(block(x, training=False)) for _ in range(2)]
    )
    changed = ops.convert_to_numpy(block(x, training=True)) != x
    share = changed.reshape(16, -1).mean(axis=1)
    assert np.any(share == 0) and np.any(share > 0.9)


def test_config_and_its_errors():
    backbone = tiny_swin(dtype="float32", name="swin")
    copy = SwinBackbone.from_config(backbone.get_config())
    assert copy.get_config() == backbone.get_config()
    with pytest.raises(ValueError, match="one entry for each level"):
        SwinBackbone(8, [2, 2], [1])
    with pytest.raises(ValueError, match="must divide"):
        SwinBackbone(8, [1], [3])
    with pytest.raises(ValueError, match="smaller than the window"):
        WindowAttention(1, window_size=2, shift=2)


def test_input_is_scaled_as_in_the_training_on_imagenet():
    scale, offset = tiny_swin().image_scaling
    layer = keras.layers.Rescaling(scale, offset)
    mean = np.array([[123.675, 116.28, 103.53]], "float32")
    std = np.array([[58.395, 57.12, 57.375]], "float32")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(mean + std)), 1, atol=1e-5)
