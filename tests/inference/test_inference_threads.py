"""`segment` in several threads, with images of many sizes."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from fake_model import fake_labels, fake_model, random_image
from tiny_segmenter import TinySegmenter

from keras_seg.inference import segment
from keras_seg.keras_internals import inference_function
from keras_seg.keras_internals.inference_function import run_inference

BACKEND = keras.config.backend()


def tiny_model(**kwargs):
    keras.utils.set_random_seed(0)
    model = TinySegmenter(**kwargs)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(weight + rng.uniform(0.1, 0.5, weight.shape))
    return model


def test_four_threads_of_a_hundred_calls_each():
    model = tiny_model()
    images = [random_image(60, 64, 0), random_image(50, 64, 1), random_image(40, 90, 2)]
    expected = [segment(tiny_model(), image) for image in images]
    start = threading.Barrier(4)  # the first calls come at the same time, too

    def calls(thread):
        start.wait()
        return [
            np.array_equal(segment(model, images[i % 3]), expected[i % 3])
            for i in range(thread, thread + 100)
        ]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(calls, range(4)))
    assert np.shape(results) == (4, 100) and np.all(results)


def test_predict_on_batch_in_threads():
    model, images = tiny_model(), random_image(40, 40)[None]
    expected = tiny_model().predict_on_batch(images)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: model.predict_on_batch(images), range(40)))
    np.testing.assert_allclose(np.stack(results), expected[None].repeat(40, 0), 1e-5)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return random_image(40, 40, index)[None], np.zeros((1, 40, 40), "int32")


def test_predict_in_threads_beside_segment():
    model, images = tiny_model(), np.stack([random_image(40, 40, i) for i in range(3)])
    expected = tiny_model().predict(images, verbose=0)
    label = segment(tiny_model(), images[0])
    calls = (
        lambda: model.predict(images, batch_size=2, verbose=0),
        lambda: model.predict(Batches(workers=2), verbose=0),
        lambda: model.predict(list(images), verbose=0),
        lambda: np.array_equal(segment(model, images[0]), label) and expected,
    )
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda i: calls[i % 4](), range(40)))
    np.testing.assert_allclose(np.stack(results), expected[None].repeat(40, 0), 1e-4)


def test_any_keras_model_in_threads():
    model, image = fake_model(), random_image(40, 60)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: segment(model, image), range(40)))
    assert all(np.array_equal(labels, fake_labels(image)) for labels in results)


def test_new_weights_are_used_at_the_next_call():
    model, image = tiny_model(), random_image(40, 60)
    before = run_inference(model, image[None])
    layer = model.head.classifier
    layer.set_weights([weight + 1 for weight in layer.get_weights()])
    after = run_inference(model, image[None])
    assert np.abs(after - before).max() > 0.5
    y = np.zeros((1, 40, 60), "int32")
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    model.fit(image[None], y, verbose=0)
    trained = run_inference(model, image[None])
    assert np.abs(trained - after).max() > 1e-4
    expected = keras.ops.convert_to_numpy(model(image[None], training=False))
    np.testing.assert_allclose(trained, expected, atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_padding_changes_nothing(scale):
    model = tiny_model(input_scale=scale)
    for size in ((33, 41), (64, 64), (65, 97), (1, 70)):
        image = random_image(*size)[None]
        expected = keras.ops.convert_to_numpy(model(image, training=False))
        actual = run_inference(model, image)
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, atol=1e-4)
        height, width = model.padded_size(*size)
        stretched = model.resize_to_multiple.compute_output_shape
        assert stretched((1, height, width, 3)) == stretched((1, *size, 3))
        assert stretched((1, height + 1, width, 3)) != stretched((1, *size, 3))


def test_images_of_a_hundred_sizes_share_a_few_programs():
    model = tiny_model()
    rng = np.random.default_rng(0)
    for height, width in rng.integers(33, 97, (100, 2)).tolist():
        image = random_image(height, width)
        assert run_inference(model, image[None]).shape == (1, height, width, 3)
    function = inference_function._functions[model]
    if BACKEND == "jax":
        assert function.compilations == len(function.programs) == 4
    elif BACKEND == "tensorflow":
        assert len(function.graphs) == 2


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX keeps a program for each shape")
def test_old_programs_are_freed(monkeypatch):
    monkeypatch.setattr(inference_function, "MAX_PROGRAMS", 2)
    model, functions = fake_model(), []
    for height in (40, 50, 60, 40):
        segment(model, random_image(height, 50))
        programs = inference_function._functions[model].programs
        functions.append(weakref.ref(next(reversed(programs.values()))))
    gc.collect()
    assert len(programs) == 2
    assert [function() is None for function in functions] == [True, True, False, False]


def test_a_model_is_freed():
    model = fake_model()
    segment(model, random_image(40, 50))
    reference = weakref.ref(model)
    del model
    for _ in range(3):
        gc.collect()
    assert reference() is None
