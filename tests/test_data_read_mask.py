"""Masks keep their ids, whatever the file's mode."""

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import read_mask

IDS = np.array([[0, 1, 2], [11, 200, 255]], "uint8")


def test_grey_ids(tmp_path):
    Image.fromarray(IDS).save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png")
    np.testing.assert_array_equal(mask, IDS)
    assert mask.dtype == np.uint8


def test_palette_mask_keeps_ids(tmp_path):
    image = Image.fromarray(IDS)
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    image.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.mode == "P"
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), IDS)


def test_16_bit_mask_keeps_ids(tmp_path):
    ids = np.array([[0, 1, 300, 65535]], "uint16")
    Image.fromarray(ids).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), ids)


def test_one_bit_mask_is_0_and_1(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), [[1, 0]])


def test_colours_become_ids(tmp_path):
    colours = np.array([[[0, 0, 0], [128, 0, 0], [255, 255, 255]]], "uint8")
    Image.fromarray(colours).save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png", [(255, 255, 255), (128, 0, 0), (0, 0, 0)])
    np.testing.assert_array_equal(mask, [[2, 1, 0]])
    void = {(0, 0, 0): 0, (128, 0, 0): 1, (255, 255, 255): 255}
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png", void), [[0, 1, 255]])
    with pytest.raises(ValueError, match=r"mask_palette.*\(0, 0, 0\), \(128, 0, 0\)"):
        read_mask(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"1 pixels.*not list: \(128, 0, 0\)\."):
        read_mask(tmp_path / "a.png", [(255, 255, 255), (0, 0, 0)])


def test_palette_mask_by_its_colours(tmp_path):
    # A program that optimises files may store ids in any order.
    image = Image.fromarray(np.array([[0, 1]], "uint8"))
    image.putpalette([9, 9, 9, 5, 5, 5])
    image.save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png", [(5, 5, 5), (9, 9, 9)])
    np.testing.assert_array_equal(mask, [[1, 0]])


def test_faulty_masks(tmp_path):
    Image.fromarray(IDS).save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="a.jpg' is a JPEG"):
        read_mask(tmp_path / "a.jpg")
    Image.fromarray(IDS.astype("float32")).save(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match="floating point"):
        read_mask(tmp_path / "a.tiff")
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype="uint8")
    Image.fromarray(noise).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="a.png.*cannot be decoded"):
        read_mask(tmp_path / "a.png")
