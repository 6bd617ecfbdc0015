"""Operations that are computed in another way inside our models give the same."""

import itertools

import keras
import numpy as np
import pytest
from gradients import gradients
from tiny_backbone import TinyBackbone

import keras_seg
from keras_seg.keras_internals import faster_operations as module
from keras_seg.keras_internals.faster_operations import faster_operations

# kernel, strides, dilation, padding, size, channels, outputs for each channel
DEPTHWISE = [
    ((3, 3), (1, 1), (1, 1), "same", (8, 11), 4, 1),
    ((3, 3), (1, 1), (1, 1), "valid", (7, 5), 4, 1),
    ((3, 3), (2, 2), (1, 1), "same", (9, 8), 3, 1),
    ((3, 3), (2, 2), (1, 1), "valid", (9, 12), 3, 1),
    ((5, 5), (2, 2), (1, 1), "same", (11, 6), 2, 1),
    ((3, 3), (1, 1), (2, 2), "same", (6, 9), 2, 1),
    ((3, 5), (1, 1), (3, 2), "valid", (9, 12), 2, 1),
    ((2, 4), (1, 1), (1, 1), "same", (5, 6), 3, 2),
    ((3, 3), (3, 3), (1, 1), "same", (10, 13), 2, 3),
    ((7, 7), (1, 1), (1, 1), "same", (3, 2), 2, 1),
    ((1, 1), (2, 2), (1, 1), "same", (5, 4), 2, 1),
    ((9, 9), (1, 1), (1, 1), "same", (10, 10), 1, 1),  # too large to be replaced
]


def reference(x, kernel, strides, dilation, padding):
    """Depthwise convolution in float64, and the place of each product."""
    pads, sizes = [], []
    for n, k, s, d in zip(x.shape[1:3], kernel.shape, strides, dilation, strict=False):
        window = (k - 1) * d + 1
        size = -(-n // s) if padding == "same" else (n - window) // s + 1
        total = max((size - 1) * s + window - n, 0) if padding == "same" else 0
        pads.append((total // 2, total - total // 2))
        sizes.append(size)
    x = np.pad(x.astype("float64"), ((0, 0), *pads, (0, 0)))
    y = 0.0
    for i, j in itertools.product(*map(range, kernel.shape[:2])):
        rows = i * dilation[0] + np.arange(sizes[0]) * strides[0]
        columns = j * dilation[1] + np.arange(sizes[1]) * strides[1]
        part = x[:, rows][:, :, columns]
        y = y + part[..., None] * kernel[i, j].astype("float64")  # (B, H, W, C, M)
    return y.reshape(*y.shape[:3], -1)


def check_linear_gradient(gradient, function, weights, number=20):
    """Checks places of a gradient by the values of the linear function there."""
    rng = np.random.default_rng(1)
    places = rng.permutation(gradient.size)[:number]
    for place in [0, gradient.size - 1, *places]:
        unit = np.zeros(gradient.size)
        unit[place] = 1
        expected = np.sum(function(unit.reshape(gradient.shape)) * weights)
        np.testing.assert_allclose(gradient.flat[place], expected, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("case", DEPTHWISE, ids=str)
def test_depthwise_convolution_and_its_gradients(case):
    size, strides, dilation, padding, shape, channels, multiplier = case
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *shape, channels)).astype("float32")
    kernel = rng.normal(size=(*size, channels, multiplier)).astype("float32")
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    expected = reference(x, kernel, strides, dilation, padding)
    weights = rng.normal(size=expected.shape).astype("float32")

    with faster_operations():
        outputs, found = gradients(
            lambda x, kernel: keras.ops.depthwise_conv(x, kernel, **options),
            [x, kernel],
            weights,
        )
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)
    rest = strides, dilation, padding
    check_linear_gradient(found[0], lambda x: reference(x, kernel, *rest), weights)
    check_linear_gradient(found[1], lambda k: reference(x, k, *rest), weights)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu"),
        keras.layers.DepthwiseConv2D((3, 2), depth_multiplier=2, dilation_rate=2),
        keras.layers.SeparableConv2D(5, 3, padding="same"),
        keras.layers.DepthwiseConv2D(3, data_format="channels_first"),
        keras.layers.DepthwiseConv1D(3, padding="same"),
        keras.layers.Conv2D(6, 3, groups=2, padding="same"),
        keras.layers.Conv2D(6, 3, strides=2, padding="same"),
        keras.layers.Conv2DTranspose(3, 3, strides=2),
        keras.layers.MaxPooling2D(3, 2, padding="same"),
        keras.layers.AveragePooling2D(2),
    ],
    ids=lambda layer: layer.name,
)
def test_layers_give_the_same_inside_and_outside(layer):
    """Outside, each layer is what Keras makes of it."""
    if keras.config.backend() == "tensorflow" and layer.data_format != "channels_last":
        pytest.skip("TensorFlow has no such convolution on a CPU")
    rank = 3 if isinstance(layer, keras.layers.DepthwiseConv1D) else 4
    x = np.random.default_rng(0).normal(size=(2, 8, 9, 4)[: rank - 1] + (4,))
    x = x.astype("float32")
    outside = keras.ops.convert_to_numpy(layer(x))
    with faster_operations():
        inside = keras.ops.convert_to_numpy(layer(x))
        again = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(inside, outside, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(inside, again)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_keeps_its_dtype(dtype):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(1, 6, 7, 3)), rng.normal(size=(3, 3, 3, 1))
    with faster_operations():
        y = keras.ops.depthwise_conv(
            keras.ops.cast(x, dtype), keras.ops.cast(kernel, dtype), padding="same"
        )
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    y = keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))
    expected = reference(x, kernel, (1, 1), (1, 1), "same")
    np.testing.assert_allclose(y, expected, rtol=0.03, atol=0.1)


def test_a_wrong_number_of_channels_is_an_error():
    with faster_operations(), pytest.raises(ValueError, match="channels"):
        keras.ops.depthwise_conv(np.ones((1, 5, 5, 3)), np.ones((3, 3, 4, 1)))


def primitives(function, *args):
    """The operations that JAX traces, inside other functions as well, as text."""
    import jax

    # A new function each time, as JAX does not trace the same one again.
    return str(jax.make_jaxpr(lambda *args: function(*args))(*args))


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX is replaced")
def test_the_choice_is_made_on_a_cpu_inside_our_models_alone(monkeypatch):
    layer = keras.layers.DepthwiseConv2D(3)
    layer.build((None, 8, 8, 4))
    x = np.ones((1, 8, 8, 4), "float32")
    plain = keras.Model(inputs := keras.Input((8, 8, 4)), layer(inputs))
    with faster_operations():
        assert "conv_general_dilated" not in primitives(plain, x)
        monkeypatch.setattr(module, "_jax_computes_on_cpu", lambda: False)
        assert "conv_general_dilated" in primitives(plain, x)
        monkeypatch.undo()
    assert "conv_general_dilated" in primitives(plain, x)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX is replaced")
def test_our_models_have_no_depthwise_convolution_of_xla():
    """Neither in the backbone nor in the head, also in the gradients."""
    model = keras_seg.ECENet(
        keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
        num_classes=3,
        hidden_dim=8,
    )
    images = np.zeros((1, 32, 32, 3), "float32")
    for training in (False, True):
        found = primitives(lambda x, t=training: model.compute_outputs(x, t), images)
        assert feature_groups(found) == {"1"}


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX is replaced")
def test_our_layers_in_other_models_have_no_depthwise_convolution_of_xla():
    layer = keras_seg.layers.SemanticsAttention(8, num_heads=2)
    inputs = keras.Input((6, 6, 8)), keras.Input((3, 8))
    model = keras.Model(inputs, layer(*inputs))
    arrays = np.zeros((1, 6, 6, 8), "float32"), np.zeros((1, 3, 8), "float32")
    assert feature_groups(primitives(lambda *x: model(x), *arrays)) == {"1"}


def feature_groups(found):
    """The numbers of groups of the convolutions in what `primitives` returned."""
    return {
        line.split("feature_group_count=")[1].split()[0]
        for line in found.splitlines()
        if "feature_group_count=" in line
    }


@pytest.mark.skipif(keras.config.backend() != "torch", reason="only torch copies")
def test_torch_does_not_copy_maps_to_change_their_layout():
    import torch

    layers = [
        keras.layers.DepthwiseConv2D(3, padding="same"),
        keras.layers.Conv2D(8, 1),
        keras.layers.MaxPooling2D(2),
    ]

    def copied():
        x = keras.ops.ones((1, 6, 8, 8))
        with torch.no_grad(), torch.profiler.profile(record_shapes=True) as profile:
            for layer in layers:
                x = layer(x)
        events = profile.key_averages(group_by_input_shape=True)
        copies = [e for e in events if e.key == "aten::copy_"]
        return sum(e.count for e in copies if e.input_shapes[0] == [1, 8, 6, 8])

    copied()
    assert copied() >= 3, "Keras no longer copies: remove the replacement"
    with faster_operations():
        assert copied() == 0


def test_names_and_saved_files_are_those_of_keras(tmp_path):
    model = keras_seg.ECENet(TinyBackbone(), 3, hidden_dim=8)
    model.save_weights(tmp_path / "inside.weights.h5")
    assert type(model.head.reconstructions[0].diverse) is keras.layers.DepthwiseConv2D
    other = keras_seg.ECENet(TinyBackbone(), 3, hidden_dim=8)
    other.load_weights(tmp_path / "inside.weights.h5")
    for x, y in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)
