"""The layers of SGR compute their formulas, as written down in NumPy."""

import keras
import numpy as np
import pytest
import sgr_reference as reference
from keras import ops
from random_weights import random_array
from test_layers_reference import assert_close, double, run

from keras_seg import layers

SIZES = [(5, 7), (1, 1)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("dim", "depth", "temperature"), [(8, 1, 1.0), (12, 2, 0.5), (36, 0, 1.0)]
)
def test_latent_region_reasoner(size, dim, depth, temperature):
    x = random_array(2, *size, 6)
    layer = layers.LatentRegionReasoner(
        dim, 5, output_dim=7, depth=depth, num_heads=2, temperature=temperature
    )
    outputs, w = run(layer, x, return_regions=True)
    expected = reference.reasoner(double(x), w, depth, temperature)
    for actual, wanted in zip(outputs, expected, strict=True):
        assert actual.shape == wanted.shape
        assert_close(actual, wanted, atol=1e-5 + 5e-6 * np.abs(wanted).max())
    np.testing.assert_allclose(outputs[1].sum(axis=-1), 1, atol=1e-6)


def test_reasoner_keeps_the_number_of_channels():
    x = random_array(1, 3, 4, 6)
    assert layers.LatentRegionReasoner(8, 3)(x).shape == (1, 3, 4, 6)


@pytest.mark.parametrize("output_dim", [None, 9])
def test_a_new_reasoner_leaves_the_features_as_they_are(output_dim):
    x = random_array(2, 5, 4, 6)
    layer = layers.LatentRegionReasoner(8, 3, output_dim=output_dim)
    fused = ops.convert_to_numpy(layer(x))
    kernel = ops.convert_to_numpy(layer.fusion.kernel)[0, 0]  # (C + D, output_dim)
    assert not kernel[6:].any()
    if output_dim is None:
        assert_close(fused, np.maximum(x, 0) / np.sqrt(1 + layer.fusion_norm.epsilon))
    else:
        assert fused.shape == (2, 5, 4, 9) and kernel[:6].all()


def test_regions_of_half_precision_are_the_same_but_for_rounding():
    x = random_array(1, 24, 32, 6)
    full = layers.LatentRegionReasoner(8, 5, depth=1, num_heads=2)
    half = layers.LatentRegionReasoner(
        8, 5, depth=1, num_heads=2, dtype="mixed_bfloat16"
    )
    outputs, _ = run(full, x, return_regions=True)
    half.build(x.shape)
    half.set_weights(full.get_weights())
    for a, b in zip(half(x, return_regions=True), outputs, strict=True):
        assert keras.backend.standardize_dtype(a.dtype) == "bfloat16"
        a = ops.convert_to_numpy(ops.cast(a, "float32"))
        assert np.abs(a - b).max() < 0.1 * np.abs(b).max()


def test_symbolic_regions():
    outputs = layers.LatentRegionReasoner(8, 5)(
        keras.Input((None, None, 6)), return_regions=True
    )
    shapes = [(None, None, None, 6), (None, None, None, 5), (None, 5, 8)]
    assert [x.shape for x in outputs] == shapes


@pytest.mark.parametrize(
    "kwargs",
    [
        {"hidden_dim": 10, "num_heads": 4},
        {"num_regions": 1},
        {"temperature": 0.0},
        {"depth": -1},
    ],
)
def test_reasoner_refuses(kwargs):
    with pytest.raises(ValueError, match="Received"):
        layers.LatentRegionReasoner(**kwargs)


@pytest.mark.parametrize("size", SIZES)
def test_atrous_spatial_pyramid_pooling(size):
    x = random_array(2, *size, 5)
    y, w = run(layers.AtrousSpatialPyramidPooling(6, [1, 3]), x)
    assert_close(y, reference.pyramid_pooling(double(x), w, [1, 3]))


@pytest.mark.parametrize(("options", "depth"), [({"num_regions": 4}, 3), (False, None)])
def test_sgr_head(options, depth):
    x = random_array(2, 5, 7, 6)
    head = layers.SGRHead(3, 8, options, [2])
    outputs, w = run(head, [x])
    assert_close(outputs["logits"], reference.sgr_head(double(x), w, [2], depth))
    assert set(outputs) == {"logits"} | ({"regions", "tokens"} if options else set())


def test_sgr_head_refuses_a_pyramid():
    with pytest.raises(ValueError, match="Choose one level"):
        layers.SGRHead(3, 8)([random_array(1, 4, 4, 6), random_array(1, 2, 2, 6)])


def test_ecenet_head_with_a_reasoner_puts_it_before_the_classifier():
    pyramid = [random_array(1, 6, 8, 6), random_array(1, 3, 4, 9)]
    options = {"num_regions": 5, "depth": 0}
    head = layers.ECENetHead(3, 8, num_heads=2, reasoner=options)
    outputs, w = run(head, pyramid)
    assert outputs["regions"].shape == (1, 6, 8, 5)
    assert outputs["tokens"].shape == (1, 5, 8)
    # With a reasoner that gives zeros only classifier's bias and class term are left.
    head.reasoner.fusion_norm.gamma.assign(np.zeros(8))
    head.reasoner.fusion_norm.beta.assign(np.zeros(8))
    without = ops.convert_to_numpy(head(pyramid, training=False)["logits"])
    assert np.abs(without - outputs["logits"]).max() > 0.01
    np.testing.assert_array_equal(
        ops.convert_to_numpy(head(pyramid, training=False)["regions"]),
        outputs["regions"],
    )
