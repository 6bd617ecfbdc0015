"""Components of label maps, and their way into `fit`."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seg.data import connected_components, pack_components
from keras_seg.data.batches.map_labels import map_labels
from keras_seg.losses.unpack_components import unpack_components


def flood_fill(labels, void):
    """Components as sets of pixels, by a search from pixel to pixel."""
    left = {p for p in np.ndindex(labels.shape) if labels[p] != void}
    found = []
    while left:
        front = [left.pop()]
        part = set(front)
        while front:
            row, column = front.pop()
            for i in (-1, 0, 1):
                for j in (-1, 0, 1):
                    p = (row + i, column + j)
                    if p in left and labels[p] == labels[row, column]:
                        left.remove(p)
                        part.add(p)
                        front.append(p)
        found.append(part)
    return found


def as_sets(numbers):
    ids = [int(n) for n in np.unique(numbers) if n]
    return [{tuple(map(int, p)) for p in np.argwhere(numbers == n)} for n in ids], ids


@pytest.mark.no_backend
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_against_flood_fill(seed, dtype):
    void = 255 if dtype == "uint8" else -1
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, (13, 17)).astype(dtype)
    labels[rng.random((13, 17)) < 0.1] = void
    numbers = connected_components(labels, void, max_components=1000, min_area=1)
    sets, ids = as_sets(numbers)
    expected = {frozenset(s) for s in flood_fill(labels, void)}
    assert {frozenset(s) for s in sets} == expected
    assert ids == list(range(1, len(ids) + 1))
    areas = [len(s) for s in sets]
    assert areas == sorted(areas, reverse=True)


@pytest.mark.no_backend
def test_cap_and_least_area():
    labels = np.repeat([0, 1, 0, 2, 255], [5, 1, 3, 2, 4])[None]
    numbers = connected_components(labels, min_area=2)
    assert numbers.tolist() == [[1] * 5 + [0] + [2] * 3 + [3] * 2 + [0] * 4]
    numbers = connected_components(labels, max_components=1, min_area=2)
    assert numbers.tolist() == [[1] * 5 + [0] * 10]
    assert not connected_components(np.full((3, 4), 255)).any()
    assert connected_components(np.zeros((0, 4), int)).shape == (0, 4)


@pytest.mark.no_backend
@pytest.mark.parametrize("labels", [np.zeros((2, 3, 4), int), np.zeros((3, 4))])
def test_refuses_what_is_no_label_map(labels):
    with pytest.raises(ValueError, match="integer array"):
        connected_components(labels)


@pytest.mark.parametrize("void", [255, -1, 0])
@pytest.mark.parametrize("last", [(), (1,)])
def test_components_are_put_in_and_taken_out(void, last):
    labels = np.random.default_rng(0).integers(0, 4, (2, 8, 9))
    labels[:, :2] = void
    both = pack_components(labels.reshape(2, 8, 9, *last), void, 5, min_area=2)
    assert both.dtype == "int32" and both.shape == (2, 8, 9, *last)
    classes, components = map(ops.convert_to_numpy, unpack_components(both))
    np.testing.assert_array_equal(classes.reshape(labels.shape), labels)
    for x, numbers in zip(labels, components.reshape(labels.shape), strict=True):
        assert 1 < numbers.max() <= 5
        np.testing.assert_array_equal(numbers, connected_components(x, void, 5, 2))


def test_plain_labels_have_no_components():
    labels = np.array([[0, 254, 255, -1, 65535]])
    classes, components = map(ops.convert_to_numpy, unpack_components(labels))
    np.testing.assert_array_equal(classes, labels)
    assert not components.any()


@pytest.mark.no_backend
def test_components_are_not_added_twice():
    with pytest.raises(ValueError, match="added already"):
        pack_components(pack_components(np.ones((1, 9, 9), int)))
    with pytest.raises(ValueError, match="class ids"):
        pack_components(np.full((1, 9, 9), 0.5))


# --- every source of data ------------------------------------------------------------

LABELS = np.arange(6 * 4 * 5).reshape(6, 4, 5).astype("int32")
IMAGES = np.zeros((6, 4, 5, 3), "uint8")


def plus_one(labels, image_shape):
    return labels + 1


class Batches(keras.utils.PyDataset):
    epochs = 0

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return IMAGES[2 * i : 2 * i + 2], LABELS[2 * i : 2 * i + 2]

    def on_epoch_end(self):
        self.epochs += 1


def py_dataset():
    return Batches(workers=2, max_queue_size=3)


def generator():
    return (Batches()[i] for i in range(3))


def tf_dataset():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(2)


def tf_dataset_with_weights():
    tf = pytest.importorskip("tensorflow")
    arrays = (IMAGES, LABELS, np.ones((6, 4, 5), "float32"))
    return tf.data.Dataset.from_tensor_slices(arrays).batch(2)


def data_loader():
    torch = pytest.importorskip("torch")
    dataset = torch.utils.data.TensorDataset(
        torch.from_numpy(IMAGES), torch.from_numpy(LABELS)
    )
    return torch.utils.data.DataLoader(dataset, batch_size=2)


def grain_dataset():
    grain = pytest.importorskip("grain")
    pairs = list(zip(IMAGES, LABELS, strict=True))
    return grain.MapDataset.source(pairs).batch(2)


SOURCES = [
    py_dataset,
    generator,
    tf_dataset,
    tf_dataset_with_weights,
    data_loader,
    grain_dataset,
]


@pytest.mark.parametrize("make", SOURCES)
def test_labels_of_every_source_are_changed(make):
    source = make()
    mapped, y = map_labels(source, None, plus_one)
    assert y is None
    if make not in (grain_dataset, tf_dataset, tf_dataset_with_weights):
        assert isinstance(mapped, keras.utils.PyDataset) or type(mapped) is type(source)
    batches = [mapped[i] for i in range(3)] if make is py_dataset else list(mapped)
    labels = np.concatenate([np.asarray(batch[1]) for batch in batches])
    np.testing.assert_array_equal(labels, LABELS + 1)
    assert {len(batch) for batch in batches} == (
        {3} if make is tf_dataset_with_weights else {2}
    )
    if make is py_dataset:
        assert mapped.workers == 0  # it reads ahead with threads of its own
        assert (mapped.threads, mapped.num_batches) == (2, 3)
        mapped.on_epoch_end()
        assert source.epochs == 1
    if make is data_loader:
        assert type(batches[0][1]) is type(batches[0][0])  # tensors of torch
        # and the one that came in is as it was
        np.testing.assert_array_equal(next(iter(source))[1], LABELS[:2])


@pytest.mark.parametrize("to", [np.asarray, ops.convert_to_tensor, np.ndarray.tolist])
def test_labels_of_arrays_are_changed(to):
    x, y = map_labels(IMAGES, to(LABELS), plus_one)
    assert x is IMAGES
    np.testing.assert_array_equal(y, LABELS + 1)


@pytest.mark.no_backend
@pytest.mark.parametrize("x", [IMAGES, [1, 2], None])
def test_other_sources_are_refused(x):
    with pytest.raises(ValueError, match="wrap your data in a generator"):
        map_labels(x, None, plus_one)


@pytest.mark.no_backend
def test_batches_without_labels_are_refused():
    mapped, _ = map_labels((IMAGES for _ in range(1)), None, plus_one)
    with pytest.raises(ValueError, match="images, labels"):
        next(mapped)
