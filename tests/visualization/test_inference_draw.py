import sys

import numpy as np
import pytest
from PIL import Image

from keras_seg.visualization import default_palette, draw_overlay, label_png
from keras_seg_runtime.pictures.legend import PANEL, format_share

pytestmark = pytest.mark.no_backend

NAMES = ["sky", "road", "tree"]
PALETTE = np.array([[70, 130, 180], [128, 64, 128], [107, 142, 35]], "uint8")


def halves(height, width):
    labels = np.zeros((height, width), "uint8")
    labels[height // 2 :] = 1
    return labels


def draw(image, labels, **options):
    return draw_overlay(image, labels, NAMES, PALETTE, **options)


def test_colours_lie_over_the_photo():
    photo = np.full((60, 80, 3), 100, "uint8")
    picture = draw(photo, halves(60, 80), alpha=0.5, legend=False)
    assert picture.shape == photo.shape and picture.dtype == np.uint8
    np.testing.assert_allclose(picture[5, 5], 50 + PALETTE[0] / 2, atol=1)
    np.testing.assert_allclose(picture[55, 5], 50 + PALETTE[1] / 2, atol=1)
    assert (photo == 100).all()


def test_alpha_runs_from_photo_to_colours():
    photo = np.full((60, 80, 3), 100, "uint8")
    labels = np.full((60, 80), 2)
    assert (draw(photo, labels, alpha=0, legend=False) == 100).all()
    assert (draw(photo, labels, alpha=1, legend=False) == PALETTE[2]).all()


def test_a_light_line_separates_classes_and_is_thin():
    photo = np.zeros((60, 80, 3), "uint8")
    picture = draw(photo, halves(60, 80), legend=False)
    light = (picture > 150).all(axis=(1, 2))
    assert light.sum() == 1 and light[30]
    # A picture too small for lines has none.
    picture = draw(photo[:10], halves(10, 80), legend=False)
    assert not (picture > 150).all(axis=2).any()


def test_void_is_not_coloured():
    photo = np.full((60, 80, 3), 100, "uint8")
    labels = np.full((60, 80), 255)
    assert (draw(photo, labels, legend=False) == 100).all()
    assert (draw(photo, labels)[:60, :80] == 100).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (90, 120), (120, 90), (8000, 10)])
def test_legend_does_not_cover_the_picture(size):
    photo = np.full((*size, 3), 100, "uint8")
    labels = np.zeros(size, "uint8")
    plain = draw(photo, labels, legend=False)
    picture = draw(photo, labels)
    np.testing.assert_array_equal(picture[: size[0], : size[1]], plain)
    if size[1] > size[0]:
        assert picture.shape[0] > size[0]
    else:
        assert picture.shape[1] > size[1]


def legend_colours(picture, height):
    pixels = {tuple(pixel) for pixel in picture[height:].reshape(-1, 3).tolist()}
    return [bool(tuple(colour) in pixels) for colour in PALETTE.tolist()]


def test_legend_shows_only_classes_found():
    photo = np.full((90, 120, 3), 100, "uint8")
    picture = draw(photo, halves(90, 120))
    assert legend_colours(picture, 90) == [True, True, False]


def test_legend_is_sorted_by_share():
    photo = np.full((300, 400, 3), 100, "uint8")
    labels = np.full((300, 400), 2)
    labels[:50], labels[50:60] = 0, 1
    panel = draw_overlay(photo[:, :300], labels[:, :300], NAMES, PALETTE)[:, 300:]
    first_rows = [
        np.flatnonzero((panel == colour).all(axis=2).any(axis=1))[0]
        for colour in PALETTE
    ]
    assert first_rows[2] < first_rows[0] < first_rows[1]


def test_small_classes_share_the_last_line_of_a_short_legend(monkeypatch):
    module = sys.modules[draw_overlay.__module__]
    monkeypatch.setattr(module, "add_legend", lambda picture, entries: entries)
    labels = np.array([[1, 1, 1, 0, 2, 255]])
    photo = np.zeros((1, 6, 3), "uint8")
    entries = draw(photo, labels, max_entries=2)
    assert [entry[0] for entry in entries] == ["road", "2 others", "no label"]
    assert [entry[2] for entry in entries] == pytest.approx([1 / 2, 1 / 3, 1 / 6])
    assert len(draw(photo, labels, max_entries=3)) == 4


def test_legend_scales_with_the_picture():
    heights = []
    for scale in (1, 4):
        size = (300 * scale, 400 * scale)
        picture = draw(np.zeros((*size, 3), "uint8"), halves(*size))
        heights.append((picture[:, 0] == PANEL).all(axis=1).sum())
    assert 3.5 < heights[1] / heights[0] < 4.5


def test_share_as_percentage():
    assert [format_share(x) for x in (1, 0.1234, 0.001, 0.0002)] == [
        "100.0 %",
        "12.3 %",
        "0.1 %",
        "< 0.1 %",
    ]


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (np.zeros((4, 5), "uint8"), {}, r"\(4, 4\).*\(4, 5\)"),
        (np.zeros((4, 4)), {}, "integer"),
        (np.full((4, 4), 3), {}, r"0\.\.2.*\[3\]"),
        (np.full((4, 4), -1), {}, r"\[-1\]"),
        (np.full((4, 4), 255), {"ignore_class": None}, r"\[255\]"),
        (np.zeros((4, 4), int), {"alpha": 1.5}, "alpha=1.5"),
    ],
)
def test_mismatched_arguments_are_rejected(labels, options, message):
    with pytest.raises(ValueError, match=message):
        draw(np.zeros((4, 4, 3), "uint8"), labels, **options)


def test_palette_must_fit_the_names():
    photo, labels = np.zeros((4, 4, 3), "uint8"), np.zeros((4, 4), int)
    with pytest.raises(ValueError, match="3 class names"):
        draw_overlay(photo, labels, NAMES, PALETTE[:2])
    with pytest.raises(ValueError, match=r"0\.\.255.*480"):
        draw_overlay(photo, labels, NAMES, PALETTE + np.int32(300))


def test_label_png_keeps_ids_and_colours(tmp_path):
    labels = np.array([[0, 1, 2], [2, 255, 0]], "int32")
    label_png(labels, PALETTE).save(tmp_path / "labels.png")
    with Image.open(tmp_path / "labels.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), labels)
        colours = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(colours[0], PALETTE)
    assert colours[1, 1].tolist() == [0, 0, 0]


def test_label_png_keeps_ids_above_255(tmp_path):
    labels = np.array([[0, 1, 999]])
    label_png(labels, default_palette(1000)).save(tmp_path / "labels.png")
    with Image.open(tmp_path / "labels.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), labels)


@pytest.mark.parametrize(
    "labels", [np.zeros((2, 2)), np.zeros((2, 2, 1), int), [[-1]], [[65536]]]
)
def test_label_png_rejects_invalid_labels(labels):
    with pytest.raises(ValueError, match="`labels` must"):
        label_png(labels, PALETTE)


def test_default_palette_is_distinct_and_stable():
    palette = default_palette(150)
    assert palette.shape == (150, 3) and palette.dtype == np.uint8
    assert len(np.unique(palette, axis=0)) == 150
    np.testing.assert_array_equal(default_palette(20), palette[:20])
    first = palette[:20].astype(int)
    gaps = np.abs(first[:, None] - first[None]).sum(axis=2) + 999 * np.eye(20)
    assert gaps.min() > 60
    palette[:] = 0
    assert default_palette(150).any()


@pytest.mark.parametrize("num_classes", [0, 2001])
def test_default_palette_has_limits(num_classes):
    with pytest.raises(ValueError, match=f"num_classes={num_classes}"):
        default_palette(num_classes)
