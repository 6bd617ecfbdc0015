"""Masks keep their ids, whatever the file's mode."""

import handmade_files
import numpy as np
import pytest
from PIL import Image

from keras_seg.data import read_mask

pytestmark = pytest.mark.no_backend

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


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_greys_of_few_bits_keep_their_ids(tmp_path, bits):
    ids = np.arange(60, dtype="uint8").reshape(5, 12) % 2 ** min(bits, 5)
    path = handmade_files.png(tmp_path / "a.png", ids, bits)
    np.testing.assert_array_equal(read_mask(path), ids)
    if bits in (2, 4):
        path = handmade_files.tiff(tmp_path / "a.tif", ids[..., None], 1, bits=bits)
        np.testing.assert_array_equal(read_mask(path), ids)
    if bits < 8:
        ids = ids % 4 % 2**bits
        path = handmade_files.png(tmp_path / "b.png", ids, bits, colour_type=3)
        np.testing.assert_array_equal(read_mask(path), ids)


def test_mask_with_missing_rows(tmp_path):
    ones = np.ones((40, 60), "uint8")
    path = handmade_files.png(tmp_path / "a.png", ones, rows=10)
    with pytest.raises(ValueError, match="25% of the pixels.*incomplete"):
        read_mask(path)
    path = handmade_files.png(tmp_path / "a.png", ones % 2, 4, 3, rows=39)
    with pytest.raises(ValueError, match="incomplete"):
        read_mask(path)


def with_alpha(values, alpha, mode):
    return Image.merge(mode, [Image.fromarray(v) for v in (*values, alpha)])


ALPHA = np.repeat([[0, 255]], 3, axis=0).astype("uint8").repeat(3, axis=1)  # (3, 6)
LEVELS = np.array([[0, 0, 0, 1, 2, 2]] * 3, "uint8")  # 0 where it is transparent
MODES = [("LA", 1, "png"), ("LA", 1, "tif"), ("RGBA", 3, "png"), ("RGBA", 3, "tif")]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mode, bands, suffix", MODES)
def test_palette_applies_where_there_is_an_alpha_channel(tmp_path, mode, bands, suffix):
    path = tmp_path / f"a.{suffix}"
    with_alpha([LEVELS] * bands, ALPHA, mode).save(path)
    mask = read_mask(path, [(2, 2, 2), (1, 1, 1), (0, 0, 0)])
    np.testing.assert_array_equal(mask, 2 - LEVELS)
    if mode == "LA":
        np.testing.assert_array_equal(read_mask(path), LEVELS)


@pytest.mark.parametrize("mode, bands, suffix", MODES)
def test_objects_in_the_alpha_channel_are_told(tmp_path, mode, bands, suffix):
    path = tmp_path / f"a.{suffix}"
    with_alpha([LEVELS * 0] * bands, ALPHA, mode).save(path)
    with pytest.warns(UserWarning, match=f"a.{suffix}' has an alpha channel"):
        read_mask(path, [(0, 0, 0), (255, 255, 255)])
    if mode == "LA":
        with pytest.warns(UserWarning, match="same id"):
            read_mask(path)


@pytest.mark.filterwarnings("error")
def test_transparent_entries_of_palettes(tmp_path):
    image = Image.fromarray(LEVELS)
    image.putpalette([9, 9, 9, 5, 5, 5, 7, 7, 7])
    image.save(tmp_path / "a.png", transparency=0)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), LEVELS)
    mask = read_mask(tmp_path / "a.png", {(9, 9, 9): 4, (5, 5, 5): 3, (7, 7, 7): 2})
    np.testing.assert_array_equal(mask, 4 - LEVELS)


def test_two_entries_of_one_colour_of_which_one_is_transparent(tmp_path):
    image = Image.fromarray(LEVELS)
    image.putpalette([5, 5, 5, 5, 5, 5, 7, 7, 7])
    image.save(tmp_path / "a.png", transparency=0)
    with pytest.warns(UserWarning, match="same colour"):
        read_mask(tmp_path / "a.png", [(5, 5, 5), (7, 7, 7)])


@pytest.mark.parametrize("suffix", ["tif", "gif", "png"])
def test_further_pages_are_told(tmp_path, suffix):
    pages = [Image.fromarray(np.full((4, 4), i, "uint8")) for i in range(3)]
    path = tmp_path / f"a.{suffix}"
    pages[1].save(path, save_all=True, append_images=pages[:1])
    with pytest.warns(UserWarning, match="2 pages or frames"):
        read_mask(path)


def test_files_whose_ids_would_change(tmp_path):
    colours = LEVELS[..., None].repeat(3, -1)
    Image.fromarray(colours).save(tmp_path / "a.webp", lossless=True)
    palette = [(0, 0, 0), (1, 1, 1), (2, 2, 2)]
    np.testing.assert_array_equal(read_mask(tmp_path / "a.webp", palette), LEVELS)
    Image.fromarray(colours).save(tmp_path / "a.webp")
    Image.fromarray(colours).save(tmp_path / "a.tif", compression="jpeg")
    for name in ("a.webp", "a.tif"):
        with pytest.raises(ValueError, match=f"{name}' is compressed with loss"):
            read_mask(tmp_path / name, palette)
    path = handmade_files.tiff(tmp_path / "b.tif", LEVELS[..., None], photometric=0)
    with pytest.raises(ValueError, match="inverted grey levels"):
        read_mask(path)
    twice = np.stack([LEVELS, LEVELS], axis=-1)
    path = handmade_files.png(tmp_path / "b.png", twice, bits=16, colour_type=4)
    with pytest.raises(ValueError, match="16-bit PNG without transparency"):
        read_mask(path)
    Image.fromarray(IDS.astype("uint16") * 200).save(tmp_path / "c.png")
    with pytest.raises(ValueError, match="Leave `mask_palette` out"):
        read_mask(tmp_path / "c.png", palette)


@pytest.mark.parametrize(
    "palette",
    [
        [(0, 0, 0), (1, 1)],
        [(0, 0, 0), (1, 1, 256)],
        {0: 0, 255: 1},
        {(0, 0, 0): 0.5},
        {(0, 0, 0, 255): 1},
        [(0.5, 0, 0)],
    ],
)
def test_malformed_palettes(tmp_path, palette):
    Image.fromarray(IDS).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="`mask_palette` must be.*id_map"):
        read_mask(tmp_path / "a.png", palette)


def test_a_colour_listed_twice(tmp_path):
    Image.fromarray(IDS).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="lists a colour twice"):
        read_mask(tmp_path / "a.png", [(0, 0, 0), (1, 1, 1), (0, 0, 0)])
