"""What holds for every public layer."""

import ast
import inspect
import json
import pathlib

import keras
import numpy as np
import pytest
from keras import ops
from layer_cases import CASES
from random_weights import random_array, set_random_weights

from keras_seg import backbones, layers

# On TensorFlow the first size is traced as it is, the second as an unknown size. The
# other tests use the second again: JAX compiles for each size.
SIZES = [(1, 1), (5, 7)]


@pytest.fixture(scope="module", params=sorted(CASES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    """The layer, with random weights, in a model for any height and width."""
    case = CASES[name]
    model = functional(case, case.make(name="layer"))
    set_random_weights(model, seed=2)
    return model


def is_shape(x):
    return isinstance(x, tuple)


def functional(case, layer):
    inputs = keras.tree.map_shape_structure(
        lambda shape: keras.Input(shape[1:]), case.shapes(None, None, None)
    )
    return keras.Model(keras.tree.flatten(inputs), layer(*inputs))


def arrays(case, batch, height, width, seed=0):
    return keras.tree.map_shape_structure(
        lambda shape: random_array(*shape, seed=seed),
        case.shapes(batch, height, width),
    )


def flat(outputs):
    return [ops.convert_to_numpy(x) for x in keras.tree.flatten(outputs)]


def predict(model, inputs):
    return flat(model.predict(keras.tree.flatten(inputs), verbose=0))


def assert_close(actual, expected, atol=1e-5):
    assert len(actual) == len(expected) > 0
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, atol=atol, rtol=1e-5)


@pytest.mark.no_backend
def test_every_public_layer_has_a_case():
    public = {
        name
        for package in (backbones, layers)
        for name in package.__all__
        if inspect.isclass(getattr(package, name))
        and not issubclass(getattr(package, name), keras.Model)
    }
    assert public == {name.split(",")[0] for name in CASES}


def test_sublayers_are_named_made_and_built_in_one_statement():
    """`add_sublayer` and `build_layer` do it: no layer builds another by itself."""
    package = pathlib.Path(inspect.getfile(layers)).parent
    for path in [*package.rglob("*.py"), *package.parent.glob("backbones/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            allowed = path.name == "composite_layer.py" or called == "super().build"
            assert not called.endswith(".build") or allowed, f"{path}: {called}"


def test_a_sublayer_is_an_attribute_under_its_own_name(name, model):
    layer = model.get_layer("layer")
    for key, value in vars(layer).items():
        if isinstance(value, keras.layers.Layer) and not key.startswith("_"):
            assert value.name == key
            assert value.built


@pytest.mark.no_backend
def test_config_survives_json(name):
    case = CASES[name]
    layer = case.make(name="some_name", dtype="mixed_bfloat16", trainable=False)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    assert again.name == "some_name" and not again.trainable
    assert again.compute_dtype == "bfloat16"


def output_shapes(layer, shapes):
    outputs = layer.compute_output_shape(*shapes)
    outputs = keras.tree.map_shape_structure(keras.KerasTensor, outputs)
    return [x.shape for x in keras.tree.flatten(outputs)]


@pytest.mark.parametrize("size", [(None, None, None), (2, 5, 7)])
def test_symbolic_shapes(name, size):
    case = CASES[name]
    shapes, layer = case.shapes(*size), case.make()
    inputs = keras.tree.map_shape_structure(keras.KerasTensor, shapes)
    outputs = keras.tree.flatten(layer(*inputs))
    assert [x.shape for x in outputs] == output_shapes(layer, shapes)


RETURNING = [
    (name, argument)
    for name, case in sorted(CASES.items())
    for argument in inspect.signature(case.make().call).parameters
    if argument.startswith("return_")
]


@pytest.mark.parametrize("case_name, argument", RETURNING)
def test_what_a_call_returns_besides_is_an_output_of_a_model(case_name, argument):
    case, also = CASES[case_name], {argument: True}
    layer = case.make(dtype="mixed_bfloat16")
    inputs = keras.tree.map_shape_structure(
        lambda shape: keras.Input(shape[1:]), case.shapes(None, None, None)
    )
    symbolic = layer(*inputs, **also)
    model = keras.Model(keras.tree.flatten(inputs), symbolic)
    values = arrays(case, 2, 5, 7)
    eager = layer(*values, **also)
    keras.tree.assert_same_structure(symbolic, eager)
    for spec, x in zip(*map(keras.tree.flatten, (symbolic, eager)), strict=True):
        assert spec.dtype == keras.backend.standardize_dtype(x.dtype)
        assert len(spec.shape) == len(x.shape)
        pairs = zip(spec.shape, x.shape, strict=True)
        assert all(n in (None, size) for n, size in pairs)

    def wide(outputs):
        return flat([ops.cast(x, "float32") for x in keras.tree.flatten(outputs)])

    assert_close(wide(model(keras.tree.flatten(values))), wide(eager))


def test_same_result_eagerly_and_traced_at_any_size(name, model):
    case, layer = CASES[name], model.get_layer("layer")
    for height, width in SIZES:
        inputs = arrays(case, 2, height, width)
        eager = flat(layer(*inputs, training=False))
        assert_close(predict(model, inputs), eager)
        expected = output_shapes(layer, case.shapes(2, height, width))
        assert [x.shape for x in eager] == expected


def test_batch_of_one_is_a_slice_of_a_batch(name, model):
    inputs = arrays(CASES[name], 2, 5, 7)
    one = keras.tree.map_structure(lambda x: x[1:2], inputs)
    assert_close(predict(model, one), [x[1:2] for x in predict(model, inputs)])


def convolves_no_images():
    """False on TensorFlow 2.21 with oneDNN, its default on Intel processors.

    Its convolution returns an empty batch with the channels of the input.
    """
    return ops.conv(ops.zeros((0, 1, 1, 1)), ops.ones((1, 1, 1, 2))).shape[-1] == 2


def test_a_batch_of_no_images(name, model):
    if not convolves_no_images():
        pytest.skip("TensorFlow's convolution of no images has wrong channels")
    case, layer = CASES[name], model.get_layer("layer")
    outputs = flat(layer(*arrays(case, 0, 5, 7), training=False))
    assert [x.shape for x in outputs] == output_shapes(layer, case.shapes(0, 5, 7))


# These layers take any number of channels, or any rank.
ANY_CHANNELS = {"ResizeToMatch", "ResizeToMatch, corners", "ResizeToMultiple"}
ANY_RANK = {"GroupedDense", "ScatterClasses"}
SENTENCE = "expect(s|ed) |must divide"


def changed(shapes, change):
    return keras.tree.map_shape_structure(
        lambda shape: keras.KerasTensor(change(shape)), shapes
    )


def test_other_channels_than_it_was_built_for(name, model):
    if name in ANY_CHANNELS:
        pytest.skip("takes any number of channels")
    layer, shapes = model.get_layer("layer"), CASES[name].shapes(2, 5, 7)
    inputs = changed(shapes, lambda shape: (*shape[:-1], shape[-1] + 1))
    with pytest.raises(ValueError, match=SENTENCE):
        layer(*inputs)
    arrays_ = keras.tree.map_structure(lambda x: ops.zeros(x.shape), inputs)
    with pytest.raises(ValueError, match=SENTENCE):
        layer(*arrays_)


def test_an_unknown_number_of_channels(name):
    if name in ANY_CHANNELS | {"ScatterClasses"}:
        pytest.skip("takes an unknown number of channels")
    inputs = changed(CASES[name].shapes(2, 5, 7), lambda shape: (*shape[:-1], None))
    with pytest.raises(ValueError, match=SENTENCE):
        CASES[name].make()(*inputs)


def test_an_input_of_another_rank(name):
    if name in ANY_RANK:
        pytest.skip("takes any rank")
    inputs = changed(CASES[name].shapes(2, 5, 7), lambda shape: shape[1:])
    with pytest.raises(ValueError, match=SENTENCE):
        CASES[name].make()(*inputs)


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: layers.ECENetHead(0), "num_classes"),
        (lambda: layers.CPTHead(2, hidden_dim=-8), "hidden_dim"),
        (lambda: layers.SGRHead(2.5), "num_classes"),
        (lambda: layers.SGRHead(None), "num_classes"),
        (lambda: layers.QueryUpdate(3, 8, num_heads=0), "num_heads"),
        (lambda: layers.SemanticsAttention(8, num_heads=0), "num_heads"),
        (lambda: layers.LatentRegionReasoner(8, num_heads=0), "num_heads"),
        (lambda: layers.CategoryPrototypes(0), "num_classes"),
        (lambda: layers.GroupedDense(8, groups=0), "groups"),
        (lambda: layers.GroupedConv2D(0, groups=2), "filters"),
        (lambda: layers.ChannelShuffle(0), "groups"),
        (lambda: layers.ScaledDepthwiseConv2D(2.0, min_size=0), "min_size"),
        (lambda: layers.ImagePool(0), "units"),
        (lambda: backbones.PatchEmbedding(8, patch_size=0), "patch_size"),
        (lambda: backbones.WindowAttention(0, 7), "num_heads"),
    ],
)
def test_numbers_out_of_range(make, argument):
    with pytest.raises(ValueError, match=f"`{argument}` must be a positive integer"):
        make()


def test_inference_is_deterministic(name, model):
    inputs = arrays(CASES[name], 2, 5, 7)
    assert_close(predict(model, inputs), predict(model, inputs), atol=0)


def test_zeros_and_large_numbers_give_finite_numbers(name, model):
    inputs = arrays(CASES[name], 2, 5, 7)
    for factor in (0.0, 1e4):
        scaled = keras.tree.map_structure(lambda x, f=factor: x * f, inputs)
        assert all(np.isfinite(x).all() for x in predict(model, scaled))


def test_mixed_precision(name):
    seen = []

    def to_float32(x):
        seen.append(keras.backend.standardize_dtype(x.dtype))
        return ops.cast(x, "float32")

    case = CASES[name]
    model = functional(case, case.make(dtype="mixed_bfloat16"))
    assert all(v.dtype == "float32" for v in model.trainable_variables)
    tail = keras.layers.Lambda(to_float32, dtype="mixed_bfloat16")
    outputs = [tail(x) for x in keras.tree.flatten(model.output)]
    model = keras.Model(model.inputs, outputs)
    outputs = predict(model, arrays(case, 2, 5, 7))
    assert set(seen) == {"bfloat16"}
    assert all(np.isfinite(x).all() for x in outputs)


def test_every_weight_is_trained(name):
    case = CASES[name]
    model = functional(case, case.make())
    if not model.trainable_variables:
        pytest.skip("nothing to train")
    set_random_weights(model, seed=3)
    model.compile(keras.optimizers.SGD(1.0), loss="mse")
    inputs = keras.tree.flatten(arrays(case, 2, 5, 7))
    targets = [random_array(*x.shape, seed=4) for x in predict(model, inputs)]
    before = [ops.convert_to_numpy(v).copy() for v in model.trainable_variables]
    model.train_on_batch(inputs, targets[0] if len(targets) == 1 else targets)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        new = ops.convert_to_numpy(variable)
        assert np.isfinite(new).all(), variable.path
        if not variable.path.endswith(case.untrained or "\0"):
            assert np.abs(new - old).max() > 1e-6, variable.path


def test_saved_and_loaded(name, model, tmp_path):
    case = CASES[name]
    inputs = arrays(case, 2, 5, 7)
    expected = predict(model, inputs)
    model.save(tmp_path / "model.keras")
    assert_close(
        predict(keras.saving.load_model(tmp_path / "model.keras"), inputs), expected
    )
    model.save_weights(tmp_path / "model.weights.h5")
    other = functional(case, case.make(name="layer"))
    set_random_weights(other, seed=5)
    other.load_weights(tmp_path / "model.weights.h5")
    for variable, expected in zip(other.weights, model.weights, strict=True):
        np.testing.assert_array_equal(*flat([variable.value, expected.value]))
