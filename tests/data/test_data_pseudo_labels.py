"""Masks that a teacher makes."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import (
    RepeatedSource,
    labels_from_scores,
    read_mask,
    write_pseudo_labels,
)

pytestmark = pytest.mark.no_backend


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for name, size in (("a", (6, 8)), ("b", (9, 5)), ("c", (6, 8))):
        path = tmp_path / f"{name}.png"
        Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")).save(path)
        paths.append(str(path))
    return paths


def red_teacher(images):
    """How red each pixel is, as the probability of class 1."""
    red = images[..., 0] / 255.0
    return np.stack([1 - red, red], axis=-1)


def test_probabilities_become_ids_and_void(photos, tmp_path):
    masks = tmp_path / "masks"
    assert write_pseudo_labels(photos, red_teacher, masks, threshold=0.8) == {}
    for path in photos:
        red = np.asarray(Image.open(path))[..., 0] / 255
        expected = np.where(red >= 0.8, 1, np.where(red <= 0.2, 0, 255))
        mask = read_mask(masks / f"{os.path.basename(path)[0]}.png")
        np.testing.assert_array_equal(mask, expected)


def test_batches_of_one_size_and_ids(photos, tmp_path):
    shapes = []

    def teacher(images):
        shapes.append(images.shape)
        ids = np.zeros((len(images), 2, 2), "int64")
        ids[:, 0, 1] = 300
        return ids

    write_pseudo_labels(
        photos, teacher, tmp_path / "masks", teacher_size=(4, 4), batch_size=2
    )
    assert shapes == [(2, 4, 4, 3), (1, 4, 4, 3)]
    mask = read_mask(tmp_path / "masks" / "a.png")
    assert mask.shape == (6, 8) and (mask[:3, 4:] == 300).all()
    assert (mask != 0).sum() == 12


def test_continues_and_reports_unreadable_files(photos, tmp_path):
    masks, calls = tmp_path / "masks", []

    def teacher(images):
        calls.append(len(images))
        return np.zeros(images.shape[:3], "uint8")

    broken = tmp_path / "broken.jpg"
    broken.write_text("no image")
    write_pseudo_labels(photos[:2], teacher, masks)
    problems = write_pseudo_labels([*photos, str(broken)], teacher, masks)
    assert calls == [1, 1, 1] and list(problems) == [str(broken)]
    assert sorted(os.listdir(masks)) == ["a.png", "b.png", "c.png"]


def test_a_teacher_that_fails_leaves_no_mask(photos, tmp_path):
    def teacher(images):
        raise RuntimeError("out of chalk")

    with pytest.raises(RuntimeError):
        write_pseudo_labels(photos, teacher, tmp_path / "masks")
    assert os.listdir(tmp_path / "masks") == []


@pytest.mark.parametrize(
    "output",
    [
        np.zeros((1, 6, 8)),
        np.zeros((2, 6, 8), "int32"),
        np.zeros((1, 6, 8, 2), "int32"),
    ],
)
def test_wrong_output_of_the_teacher(photos, tmp_path, output):
    with pytest.raises(ValueError, match="The teacher must return"):
        write_pseudo_labels(photos[:1], lambda _: output, tmp_path / "masks")


def test_images_of_one_name(tmp_path):
    with pytest.raises(ValueError, match="share a mask: .*x.png"):
        write_pseudo_labels(["a/x.jpg", "b/x.jpg"], red_teacher, tmp_path / "masks")


def test_images_of_one_name_in_folders(photos, tmp_path):
    for name, photo in (("day1", photos[0]), ("day2", photos[1])):
        (tmp_path / "all" / name).mkdir(parents=True)
        os.rename(photo, tmp_path / "all" / name / "x.png")
    paths = [tmp_path / "all" / name / "x.png" for name in ("day1", "day2")]
    masks = tmp_path / "masks"
    write_pseudo_labels(paths, red_teacher, masks, root=tmp_path / "all")
    shapes = [read_mask(masks / day / "x.png").shape for day in ("day1", "day2")]
    assert shapes == [(6, 8), (9, 5)]
    with pytest.raises(ValueError, match="`root` must be a folder that all images"):
        write_pseudo_labels(photos[2:], red_teacher, masks, root=tmp_path / "all")


def test_scores_are_enlarged_before_the_argmax():
    scores = np.zeros((1, 2, 3), "float32")
    scores[0, 0] = [0.9, 0.1, 0.0]
    scores[0, 1] = [0.0, 0.1, 0.9]
    # Half-pixel centres: of four pixels the outer two are those of the two given.
    label = labels_from_scores(scores, (1, 4), threshold=0.0)
    np.testing.assert_array_equal(label, [[0, 0, 2, 2]])
    label = labels_from_scores(scores, (1, 4), threshold=0.7)
    np.testing.assert_array_equal(label, [[0, 255, 255, 2]])


@pytest.mark.parametrize(
    "scores, message",
    [
        (np.full((2, 2, 2), 3.0), "Apply a softmax"),
        (np.zeros((2, 2)), r"Received: \(2, 2\)"),
        (np.full((2, 2, 2), np.nan), "add up to 1"),
    ],
)
def test_scores_that_are_not_probabilities(scores, message):
    with pytest.raises(ValueError, match=message):
        labels_from_scores(scores, (2, 2))


class Pairs(list):
    num_classes = 3
    names = [str(i) for i in range(20)]


def pairs(rare=1):
    image = np.zeros((4, 4, 3), "uint8")
    labels = [np.zeros((4, 4), "uint8") for _ in range(20)]
    for label in labels[:rare]:
        label[:2] = 1
    labels[5][0, 0] = 255
    return Pairs((image, label) for label in labels)


def test_rare_classes_are_repeated_by_the_root_of_their_rareness():
    source = RepeatedSource(pairs(rare=1), target_share=0.2)
    # One image in twenty is a share of 0.05: a factor of sqrt(0.2 / 0.05).
    assert source.repeats.tolist() == [2] + [1] * 19
    assert len(source) == 21 and source.names[:3] == ["0", "0", "1"]
    assert source.num_classes == 3 and source[1][1] is source[0][1]


def test_common_classes_and_stray_pixels_are_not_repeated():
    assert len(RepeatedSource(pairs(rare=10), target_share=0.2)) == 20
    assert len(RepeatedSource(pairs(), target_share=0.2, min_class_share=0.6)) == 20


def test_fractional_factors_are_rounded_randomly():
    lengths = {
        len(RepeatedSource(pairs(), target_share=0.3, seed=seed)) for seed in range(20)
    }
    assert lengths == {21, 22}  # sqrt(6) = 2.45


@pytest.mark.parametrize("share", [0, 1.5])
def test_share_out_of_range(share):
    with pytest.raises(ValueError, match=f"target_share={share}"):
        RepeatedSource(pairs(), target_share=share)


def test_paths_of_any_iterable(photos, tmp_path):
    write_pseudo_labels(map(pathlib.Path, photos), red_teacher, tmp_path / "masks")
    assert sorted(os.listdir(tmp_path / "masks")) == ["a.png", "b.png", "c.png"]
    with pytest.raises(ValueError, match="must be a list of paths"):
        write_pseudo_labels(str(tmp_path), red_teacher, tmp_path / "masks")


def test_void_that_a_file_or_the_classes_cannot_hold(photos, tmp_path):
    with pytest.raises(ValueError, match="ignore_class=-1"):
        write_pseudo_labels(photos, red_teacher, tmp_path / "masks", ignore_class=-1)
    with pytest.raises(ValueError, match="ids in 0..65535.*-1"):
        write_pseudo_labels(
            photos, lambda x: np.full(x.shape[:3], -1), tmp_path / "masks"
        )
    scores = np.full((2, 2, 300), 1 / 300)
    with pytest.raises(ValueError, match="`ignore_class=255` is the id of one of"):
        labels_from_scores(scores, (2, 2))
    label = labels_from_scores(scores, (2, 2), ignore_class=65535)
    assert (label == 65535).all()
