"""Every layer computes the published formula, as written down in NumPy."""

import fractions

import keras
import numpy as np
import numpy_reference as reference
import pytest
import resampling_reference as resampling
from keras import ops
from random_weights import named_weights, random_array, set_random_weights

from keras_seg import layers

SIZES = [(5, 7), (1, 1)]


def run(layer, *inputs, **kwargs):
    """Random weights, then the outputs as NumPy arrays and the weights by name."""
    layer(*inputs)  # builds
    set_random_weights(layer, seed=1)
    outputs = layer(*inputs, training=False, **kwargs)
    outputs = keras.tree.map_structure(ops.convert_to_numpy, outputs)
    return outputs, named_weights(layer)


def assert_close(actual, expected, atol=1e-5):
    np.testing.assert_allclose(actual, expected, atol=atol, rtol=1e-5)


def double(x):
    return np.asarray(x, "float64")


@pytest.mark.parametrize(("size", "channels"), [((5, 7), 8), ((5, 7), 9), ((1, 1), 4)])
def test_feature_reconstruction(size, channels):
    x = random_array(2, *size, channels)
    (y, diversity), w = run(layers.FeatureReconstruction(), x, return_diversity=True)
    expected, expected_diversity = reference.feature_reconstruction(double(x), w)
    assert_close(y, expected)
    assert_close(diversity, expected_diversity)


@pytest.mark.parametrize(
    ("size", "num_classes"),
    [((5, 7), 1), ((5, 7), 19), ((1, 1), 2), ((14, 30), 150), ((1, 9), 7)],
)
def test_class_extraction(size, num_classes):
    x = random_array(2, *size, num_classes)
    y, w = run(layers.ClassExtraction(6), x)
    assert_close(y, reference.class_extraction(double(x), w))


@pytest.mark.parametrize(
    ("num_classes", "ratio", "n"), [(150, 1.0, 13), (49, 1.0, 7), (150, 0.5, 7)]
)
def test_class_extraction_grid(num_classes, ratio, n):
    layer = layers.ClassExtraction(4, pool_ratio=ratio)
    layer.build((None, None, None, num_classes))
    assert layer.projection.kernel.shape[0] == 50 + n * n


@pytest.mark.parametrize(
    ("size", "name", "num_heads"),
    [((5, 7), None, 1), ((5, 7), None, 4), ((5, 7), "relu", 2), ((1, 1), None, 2)],
)
def test_semantics_attention(size, name, num_heads):
    x, embeddings = random_array(2, *size, 8), random_array(2, 5, 8, seed=1)
    layer = layers.SemanticsAttention(8, num_heads, query_activation=name)
    (y, masks), w = run(layer, x, embeddings)
    activation = reference.relu if name else lambda x: x
    expected, expected_masks = reference.semantics_attention(
        double(x), double(embeddings), w, num_heads, activation
    )
    assert_close(y, expected, atol=2e-5)
    assert_close(masks, expected_masks)


def test_gated_class_updater():
    update, state = random_array(2, 5, 8), random_array(2, 5, 8, seed=1)
    y, w = run(layers.GatedClassUpdater(8), update, state)
    assert_close(y, reference.gated_class_updater(double(update), double(state), w))


def test_ungated_class_updater_is_the_plain_sum():
    update, state = random_array(2, 5, 8), random_array(2, 5, 8, seed=1)
    y, w = run(layers.GatedClassUpdater(8, gated=False), update, state)
    assert_close(y, update + state)
    assert not w


@pytest.mark.parametrize("size", SIZES)
def test_ghost_upsampling(size):
    x = random_array(2, *size, 5)
    y, w = run(layers.GhostUpsampling(4), x)
    assert_close(y, reference.ghost_upsampling(double(x), w))


@pytest.mark.parametrize("size", SIZES)
def test_category_prototypes(size):
    x = random_array(2, *size, 8)
    (y, masks), w = run(layers.CategoryPrototypes(5, groups=2), x)
    expected, expected_masks = reference.category_prototypes(double(x), w)
    assert_close(y, expected)
    assert_close(masks, expected_masks)


@pytest.mark.parametrize("source", ["pixels", "prototypes", "memory"])
@pytest.mark.parametrize(
    ("fine", "coarse"), [((5, 7), (3, 4)), ((1, 1), (1, 1)), ((2, 3), (5, 6))]
)
def test_query_update(fine, coarse, source):
    fine, coarse = random_array(2, *fine, 8), random_array(2, *coarse, 8, seed=1)
    layer = layers.QueryUpdate(5, 8, 2, source, memory_momentum=0.3)
    outputs, w = run(layer, fine, coarse)
    features, masks, prototypes, memory = reference.query_update(
        double(fine), double(coarse), w, source, num_heads=2, t=0.3
    )
    assert_close(outputs.pop("features"), features, atol=2e-5)
    if source == "pixels":
        assert not outputs and not layer.class_layers
        return
    assert_close(outputs["mask_logits"], masks)
    assert_close(outputs["prototypes"], prototypes)
    trained = layer(fine, coarse, training=True)
    assert_close(ops.convert_to_numpy(trained["features"]), features, atol=2e-5)
    if source == "memory":
        assert_close(ops.convert_to_numpy(layer.memory.memory), memory)


def test_image_pool():
    x = random_array(2, 5, 7, 8)
    y, w = run(layers.ImagePool(4, "relu"), x)
    assert_close(y, reference.image_pool(double(x), w, reference.relu))


HEADS = [
    ("memory", 3, 4, "gelu"),
    ("prototypes", 2, 0, "relu"),
    ("pixels", 2, 4, "relu"),
    ("bilinear", 3, 4, "relu"),
    ("memory", 1, 4, "relu"),
    ("bilinear", 1, 0, "relu"),
]


@pytest.mark.parametrize(("source", "levels", "pool_dim", "activation"), HEADS)
def test_cpt_head(source, levels, pool_dim, activation):
    sizes = [(5, 7), (3, 4), (2, 2)][:levels]
    pyramid = [random_array(2, *size, 6 + i) for i, size in enumerate(sizes)]
    layer = layers.CPTHead(3, 8, 2, source, activation=activation, pool_dim=pool_dim)
    outputs, w = run(layer, pyramid, return_details=True)
    logits, masks = reference.cpt_head(
        [double(x) for x in pyramid],
        w,
        source,
        num_heads=2,
        activation=getattr(reference, activation),
        has_pool=pool_dim > 0,
    )
    assert_close(outputs["logits"], logits, atol=2e-5)
    assert ("mask_logits" in outputs) == layer.has_masks
    masks = masks if layer.has_masks else []
    for actual, expected in zip(outputs.get("mask_logits", []), masks, strict=True):
        assert_close(actual, expected, atol=2e-5)


@pytest.mark.parametrize("groups", [1, 4])
def test_grouped_dense(groups):
    x = random_array(2, 5, 7, 8)
    y, w = run(layers.GroupedDense(12, groups), x)
    assert_close(y, reference.grouped_dense(double(x), w["kernel"]))


RESIZES = [
    ((1, 1), (4, 3)),
    ((5, 7), (13, 8)),
    ((3, 4), (3, 4)),
    ((8, 6), (5, 2)),
]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("old", "new"), RESIZES)
def test_resize_bilinear(old, new, known):
    x = random_array(2, *old, 3)
    size = new if known else [ops.convert_to_tensor(n) for n in new]
    y = ops.convert_to_numpy(layers.resize_bilinear(ops.convert_to_tensor(x), size))
    assert_close(y, reference.resize_bilinear(double(x), *new))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("old", "new"), RESIZES)
def test_resize_nearest(old, new, known):
    labels = np.random.default_rng(0).integers(0, 256, (2, *old)).astype("uint8")
    size = new if known else [ops.convert_to_tensor(n) for n in new]
    y = layers.resize_nearest(ops.convert_to_tensor(labels), size)
    expected = reference.resize_nearest(labels, *new)
    assert keras.backend.standardize_dtype(y.dtype) == "uint8"
    np.testing.assert_array_equal(ops.convert_to_numpy(y), expected)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_resize_bilinear_of_integers_interpolates(known, dtype):
    x = np.array([0, 100, 255]).astype(dtype).reshape(1, 1, 3, 1)
    size = (1, 6) if known else [ops.convert_to_tensor(n) for n in (1, 6)]
    y = ops.convert_to_numpy(layers.resize_bilinear(ops.convert_to_tensor(x), size))
    assert y.dtype == dtype
    expected = reference.resize_bilinear(double(x), 1, 6)
    np.testing.assert_allclose(y.astype("float64"), expected, atol=0.51)


@pytest.mark.parametrize("size", SIZES)
def test_adaptive_average_pool(size):
    x = random_array(2, *size, 3)
    y = layers.adaptive_average_pool(ops.convert_to_tensor(x), [1, 4, 3])
    grids = [reference.adaptive_pool(double(x), n, n) for n in (1, 4, 3)]
    expected = np.concatenate([grid.reshape(2, -1, 3) for grid in grids], axis=1)
    assert_close(ops.convert_to_numpy(y), expected)


@pytest.mark.parametrize("scale", [1.0, 1.1, 1.15, 1.3, 1.5, 2.0, 2.3])
def test_enlarged_sizes_are_the_same_known_or_not(scale):
    layer = layers.ResizeToMultiple(scale, multiple=4)
    for n in [1, 5, 10, 20, 33, 90, 100, 130, 360, 700, 1001]:
        unknown = layer.enlarged(ops.convert_to_tensor(n, dtype="int32"))
        assert layer.enlarged(n) == int(unknown), n


def test_enlarge():
    x = random_array(1, 5, 10, 3)
    y = layers.ResizeToMultiple(1.5, multiple=4)(x)
    assert_close(ops.convert_to_numpy(y), reference.resize_bilinear(double(x), 8, 16))


def test_resize_to_match():
    x, image = random_array(1, 3, 4, 5), np.zeros((1, 11, 15, 3), "uint8")
    y = layers.ResizeToMatch()(x, image)
    assert_close(ops.convert_to_numpy(y), reference.resize_bilinear(double(x), 11, 15))


@pytest.mark.parametrize(
    ("old", "new"), [((3, 4), (11, 15)), ((9, 5), (4, 1)), ((1, 1), (3, 2))]
)
def test_resize_to_match_with_aligned_corners(old, new):
    x = random_array(2, *old, 3)
    y = layers.ResizeToMatch(align_corners=True)(x, np.zeros((2, *new, 1), "float32"))
    expected = resampling.resize_aligned(double(x), *new)
    assert_close(ops.convert_to_numpy(y), expected)
    for corner in (0, -1):
        assert_close(expected[:, corner, 0], x[:, corner if new[0] > 1 else 0, 0])


@pytest.mark.parametrize("scale", ["2", "1.5", "0.5", "0.1"])
@pytest.mark.parametrize("size", [(12, 7), (1, 1), (61, 3)])
def test_scaled_depthwise_conv(scale, size):
    x = random_array(2, *size, 3)
    y, w = run(layers.ScaledDepthwiseConv2D(float(scale)), x)
    ratio = fractions.Fraction(scale)
    assert_close(y, resampling.scaled_depthwise(double(x), w["kernel"], ratio))


@pytest.mark.parametrize(("channels", "groups"), [(8, 4), (6, 1), (4, 4)])
def test_grouped_conv(channels, groups):
    x = random_array(2, 5, 7, channels)
    y, w = run(layers.GroupedConv2D(8, groups), x)
    assert_close(y, resampling.grouped_conv(double(x), w["kernel"], groups))


def test_channel_shuffle():
    x = random_array(2, 5, 7, 6)
    y = ops.convert_to_numpy(layers.ChannelShuffle(3)(x))
    np.testing.assert_array_equal(y, resampling.channel_shuffle(x, 3))
