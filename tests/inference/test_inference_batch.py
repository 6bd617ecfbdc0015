"""What `predict` and `predict_on_batch` take for a batch of images."""

import keras
import numpy as np
import pytest
from fake_model import random_image
from tiny_segmenter import TinySegmenter


@pytest.fixture(scope="module")
def model():
    return TinySegmenter()


def test_a_list_of_images_of_one_size_is_a_batch(model):
    images = [random_image(32, 32, seed) for seed in range(3)]
    expected = model.predict(np.stack(images), verbose=0)
    for batch in (images, [np.stack(images)], tuple(images)):
        np.testing.assert_array_equal(model.predict(batch, verbose=0), expected)
        np.testing.assert_allclose(model.predict_on_batch(batch), expected, atol=1e-4)


@pytest.mark.parametrize(
    "images, message",
    [
        ([np.zeros((32, 32, 3)), np.zeros((32, 40, 3))], "model.segment"),
        (["a.png", "b.png"], "model.segment"),
        ([], "list of 0"),
        (np.zeros((32, 32, 3)), r"image\[None\]"),
        (np.zeros((2, 32, 32)), "grey"),
        (np.zeros((2, 32, 32, 1)), "grey"),
        (np.zeros((2, 32, 32, 4)), "alpha"),
        (np.zeros((2, 3, 32, 32)), "channels last"),
        (np.zeros((2, 2, 32, 32, 3)), r"\(2, 2, 32, 32, 3\)"),
    ],
)
def test_anything_else_is_rejected_with_a_message(model, images, message):
    for predict in (model.predict, model.predict_on_batch):
        with pytest.raises(ValueError, match=message):
            predict(images)


def sources(images):
    labels = np.zeros(images.shape[:3], "int32")
    yield (batch for batch in (images[:2], images[2:]))
    yield iter([(images[:2], labels[:2]), [images[2:], labels[2:], labels[2:]]])
    tf = pytest.importorskip("tensorflow")
    yield tf.data.Dataset.from_tensor_slices((images, labels)).batch(2)
    yield tf.data.Dataset.from_tensor_slices(images).batch(3)
    yield tf.convert_to_tensor(images)
    torch = pytest.importorskip("torch")
    tensors = torch.from_numpy(images), torch.from_numpy(labels)
    dataset = torch.utils.data.TensorDataset(*tensors)
    yield torch.utils.data.DataLoader(dataset, batch_size=2)
    yield tensors[0]


def test_every_source_of_images(model):
    images = np.stack([random_image(32, 32, seed) for seed in range(3)])
    expected = keras.ops.convert_to_numpy(model(images, training=False))
    for source in (images, images.astype("float64"), *sources(images)):
        logits = model.predict(source, verbose=0)
        assert logits.dtype == "float32"
        np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_batches_steps_and_callbacks(model, capsys):
    images = np.zeros((5, 32, 32, 3), "uint8")
    seen = []
    record = keras.callbacks.LambdaCallback(
        on_predict_batch_end=lambda batch, logs: seen.append(len(logs["outputs"]))
    )
    assert model.predict(images, 2, verbose=1, callbacks=[record]).shape[0] == 5
    assert seen == [2, 2, 1] and "3/3" in capsys.readouterr().out
    assert model.predict(images, batch_size=2, verbose=0, steps=2).shape[0] == 4
    assert capsys.readouterr().out == ""

    class Stop(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = True

    assert len(model.predict(images, 2, verbose=0, callbacks=[Stop()])) == 2
    endless = (images for _ in iter(int, 1))
    assert model.predict(endless, verbose=0, steps=3).shape[0] == 15


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((0, 32, 32, 3)), "no image"),
        (iter([]), "no image"),
        ({"images": np.zeros((1, 32, 32, 3))}, "batches of images.*str"),
        (iter([{"images": np.zeros((1, 32, 32, 3))}]), "batches of images.*dict"),
        (iter([np.zeros((1, n, 32, 3)) for n in (32, 64)]), "one size.*model.segment"),
        (iter([np.zeros((1, 32, 32))]), "grey"),
    ],
)
def test_no_batches_of_images_of_one_size(model, x, message):
    with pytest.raises(ValueError, match=message):
        model.predict(x, verbose=0)


def test_bad_batch_size(model):
    with pytest.raises(ValueError, match="batch_size=0"):
        model.predict(np.zeros((1, 32, 32, 3)), batch_size=0)
