"""Images that are padded inside the network give the logits they give alone."""

import weakref

import keras
import keras_hub
import numpy as np
import pytest
from fake_model import random_image
from keras import ops
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone
from tiny_ecenet import tiny_backbone
from tiny_segmenter import TinySegmenter

import keras_seg
from keras_seg.keras_internals import inference_function
from keras_seg.keras_internals.inference_function import run_inference
from keras_seg.layers import valid_region as valid_region_module
from keras_seg.layers.padded_network import can_mask_padding

BACKEND = keras.config.backend()
REASONER = {"num_regions": 6, "depth": 1}


def overlapping_backbone(**kwargs):
    """All kinds of layers that see neighbours or the whole image."""
    images = x = keras.Input((None, None, 3))
    pyramid = {}
    for level in range(1, 6):
        if level % 2:
            x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
            x = keras.layers.Conv2D(4, 3, strides=2)(x)
        else:
            x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
            x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = keras.layers.BatchNormalization()(x)
        scale = keras.layers.GlobalAveragePooling2D(keepdims=level % 2 == 0)(x)
        scale = keras.layers.Reshape((1, 1, 4))(scale) if level % 2 else scale
        x = keras.layers.Multiply()([x, keras.layers.Activation("sigmoid")(scale)])
        pyramid[f"P{level}"] = x
    backbone = keras_hub.models.FeaturePyramidBackbone(images, x)
    backbone.pyramid_outputs = pyramid
    return backbone


def mobilenet(**kwargs):
    return keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35, **kwargs)


MODELS = {
    "ecenet": lambda: keras_seg.ECENet(
        TinyBackbone(), 5, hidden_dim=8, reasoner=REASONER
    ),
    "ecenet_separable": lambda: keras_seg.ECENet(
        TinyBackbone(), 5, hidden_dim=8, fusion="separable"
    ),
    "ecenet_coarse": lambda: keras_seg.ECENet(
        TinyBackbone(), 5, hidden_dim=8, fusion="coarse"
    ),
    "ecenet_mobilenet": lambda: keras_seg.ECENet(mobilenet(), 5, hidden_dim=8),
    "ecenet_resnet": lambda: keras_seg.ECENet(
        tiny_backbone(), 5, hidden_dim=8, input_scale=1.5
    ),
    "cpt": lambda: keras_seg.CPT(
        TinyBackbone(), 5, hidden_dim=8, pool_dim=4, reasoner=REASONER
    ),
    "cpt_espnetv2": lambda: keras_seg.CPT(
        keras_seg.backbones.ESPNetV2Backbone([16, 32, 48, 64], [1, 1]), 5, hidden_dim=8
    ),
    "cpt_espnetv2_decoder": lambda: keras_seg.CPT(
        keras_seg.backbones.ESPNetV2Backbone(
            [16, 32, 48, 64], [1, 1], decoder_filters=[8, 6, 4]
        ),
        5,
        hidden_dim=8,
    ),
    "cpt_bilinear": lambda: keras_seg.CPT(
        overlapping_backbone(), 5, hidden_dim=8, source="bilinear"
    ),
    "sgr": lambda: keras_seg.SGR(
        TinyBackbone(), 5, hidden_dim=8, dilation_rates=[1, 2], reasoner=REASONER
    ),
    "sgr_mobilenet": lambda: keras_seg.SGR(
        mobilenet(output_stride=16), 5, hidden_dim=8, reasoner=REASONER
    ),
}


def make(name):
    model = MODELS[name]()
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


def call_padded(model, image, full):
    height, width = image.shape[:2]
    full = [model.resize_to_multiple.largest_within(n) for n in full]
    missing = (0, full[0] - height), (0, full[1] - width), (0, 0)
    images, size = np.pad(image, missing)[None], np.array([height, width], "int32")
    if BACKEND == "jax":  # one by one, the operations would be compiled for minutes
        program = inference_function.JaxProgram(weakref.ref(model), padded=True)
        logits = program([v.value for v in model.variables], images, size)
    else:
        logits = model.call_padded(ops.convert_to_tensor(images), (height, width))
    return ops.convert_to_numpy(logits)[0, :height, :width]


def plain_logits(model, image):
    return keras.Model.predict_on_batch(model, image[None])[0]


# JAX compiles for half a minute for each of the larger models.
@pytest.mark.parametrize(
    "name", ["ecenet", "cpt", "sgr"] if BACKEND == "jax" else MODELS
)
def test_logits_of_padded_images(name):
    model = make(name)
    assert model.masks_padding
    sizes = [((33, 70), (128, 160)), ((64, 20), (96, 64))]
    for size, full in sizes[: 1 if BACKEND == "jax" else None]:
        image = random_image(*size)
        expected = plain_logits(model, image)
        actual = call_padded(model, image, full)
        np.testing.assert_allclose(actual, expected, atol=1e-4)
        assert np.array_equal(actual.argmax(-1), expected.argmax(-1))


class Poison:
    """`keras.ops` whose n-th `where` puts another value beyond the valid region."""

    def __init__(self, number=None, value=None):
        self.number, self.value, self.calls = number, value, 0

    def __getattr__(self, name):
        return getattr(ops, name)

    def where(self, condition, x, y):
        self.calls += 1
        return ops.where(condition, x, self.value if self.calls == self.number else y)


@pytest.mark.skipif(BACKEND == "jax", reason="would compile for minutes")
@pytest.mark.parametrize("name", ["ecenet", "cpt", "cpt_bilinear", "sgr"])
def test_no_mask_is_superfluous(name, monkeypatch):
    model, image = make(name), random_image(40, 70)
    counter = Poison()
    monkeypatch.setattr(valid_region_module, "ops", counter)
    expected = call_padded(model, image, (96, 128))
    assert np.all(np.isfinite(expected))
    assert counter.calls >= 5
    for number in range(1, counter.calls + 1):
        changed = False
        for value in (np.nan, 1e3):  # a maximum ignores NaN, a factor of 0 ignores 1e3
            poison = Poison(number, value)
            monkeypatch.setattr(valid_region_module, "ops", poison)
            actual = call_padded(model, image, (96, 128))
            changed = not np.allclose(actual, expected, atol=1e-2)
            if changed:
                break
        assert changed, number


class OtherHead(keras_seg.layers.SGRHead):
    """It may do what it likes with all positions."""


def test_models_that_cannot_mask():
    pixels = keras_seg.CPT(TinyBackbone(), 5, hidden_dim=8, source="pixels")
    small = keras_seg.CPT(TinyBackbone(), 5, hidden_dim=8, size_multiple=16)
    subclass = keras_seg.SGR(TinyBackbone(), 5, hidden_dim=8)
    subclass.head = OtherHead(5, hidden_dim=8)
    for model in (pixels, small, subclass, TinySegmenter()):
        assert not model.masks_padding
        assert model.shared_size(40, 70) is None
        assert model.padded_size(40, 70) is not None


def test_networks_that_cannot_mask():
    images = keras.Input((None, None, 3))
    layers = keras.layers
    x = layers.Conv2D(4, 3, strides=2, padding="same")(images)
    padded = layers.ZeroPadding2D(1)(images)
    average = layers.AveragePooling2D
    outputs = {
        "plain": (x, True),
        "a stride of 4": (layers.MaxPooling2D(2)(x), False),
        "smaller maps": (layers.Conv2D(4, 3)(images), False),
        "padding that stays": (padded, True),
        "padding and one more layer": (layers.ReLU()(padded), False),
        "padding twice": (layers.ZeroPadding2D(1)(padded), False),
        "padding and a convolution": (layers.Conv2D(4, 3)(padded), True),
        "groups": (layers.GroupNormalization(2)(x), False),
        "another axis": (layers.Concatenate(axis=1)([x, x]), False),
        "an operation": (ops.flip(x, axis=1), False),
        "reshape": (layers.Reshape((-1, 4))(x), False),
        "aligned means": (average(2)(images), True),
        "means at borders": (average(3, strides=2, padding="same")(images), False),
        "a nested model": (keras.Model(images, x)(images), False),
    }
    for name, (output, expected) in outputs.items():
        network = keras.Model(images, output)
        assert can_mask_padding(network, multiple=2) == expected, name


def test_sizes_that_programs_are_made_for():
    model = make("ecenet")
    assert model.shared_size(1, 32) == (32, 32)
    assert model.shared_size(33, 65) == (64, 96)
    assert model.shared_size(129, 200) == (192, 256)
    assert model.shared_size(257, 513) == (384, 768)
    model = make("ecenet_resnet")  # enlarges images by 1.5
    height, width = model.shared_size(60, 100)
    assert model.compute_output_shape((1, height, width, 3))[1:3] == (height, width)
    assert [model.resize_to_multiple.enlarged(n) for n in (height, width)] == [96, 192]


@pytest.mark.parametrize("name", ["sgr"] if BACKEND == "jax" else ["ecenet", "sgr"])
def test_random_sizes_need_few_compilations(name):
    model, rng = make(name), np.random.default_rng(0)
    sizes = rng.integers(20, 161, (60, 2)).tolist()
    for i, (height, width) in enumerate(sizes):
        image = random_image(height, width, seed=i)
        logits = run_inference(model, image[None])[0]
        assert logits.shape == (height, width, 5)
        if i in (25, 50):
            expected = plain_logits(model, image)
            np.testing.assert_allclose(logits, expected, atol=1e-4)
            assert np.array_equal(logits.argmax(-1), expected.argmax(-1))
    if BACKEND == "jax":
        assert inference_function._functions[model].compilations <= 6


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX pads images")
def test_a_frequent_size_gets_its_own_program(monkeypatch):
    monkeypatch.setattr(inference_function, "MAX_WASTED_PIXELS", 2**15)
    model = make("ecenet")
    run_inference(model, random_image(128, 160)[None])
    function = inference_function._functions[model]
    sizes = []
    for _ in range(6):
        run_inference(model, random_image(70, 90)[None])
        sizes.append(next(reversed(function.programs))[1])
    # 128 * 160 - 96 * 96 pixels are wasted at a time
    assert sizes == 2 * [(128, 160)] + 4 * [(96, 96)]
    assert function.compilations == 2
    run_inference(model, np.repeat(random_image(70, 90)[None], 2, axis=0))
    run_inference(model, random_image(70, 90)[None].astype("float32"))
    assert function.compilations == 4  # of another batch size and another type
