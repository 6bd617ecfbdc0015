"""Every kind of image file is read as RGB bytes, or refused with a reason."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import read_image
from keras_seg.data.files.read_image import image_size


@pytest.fixture
def photo():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (12, 20, 3), dtype="uint8")


def save(image, path, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(path, **options)
    return str(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "gif", "jpg"])
def test_formats(photo, tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    image = read_image(save(photo, tmp_path / f"a.{suffix}", **options))
    assert image.shape == (12, 20, 3) and image.dtype == np.uint8
    if suffix not in ("jpg", "gif"):  # these two lose colours
        np.testing.assert_array_equal(image, photo)


def test_grey_and_black_and_white(tmp_path):
    grey = np.array([[0, 100, 255]], "uint8")
    image = read_image(save(grey, tmp_path / "grey.png"))
    np.testing.assert_array_equal(image, np.repeat(grey[..., None], 3, -1))
    image = read_image(save(Image.fromarray(grey > 50), tmp_path / "bw.png"))
    np.testing.assert_array_equal(image[0, :, 0], [0, 255, 255])


def test_16_bit_grey_is_scaled_not_clipped(tmp_path):
    grey = np.array([[0, 257, 32896, 65535]], "uint16")
    for suffix in ("png", "tiff"):
        image = read_image(save(grey, tmp_path / f"a.{suffix}"))
        np.testing.assert_array_equal(image[0, :, 1], [0, 1, 128, 255])


def test_palette_shows_its_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], "uint8"))
    image.putpalette([10, 20, 30, 200, 100, 50])
    assert image.mode == "P"
    image = read_image(save(image, tmp_path / "a.png"))
    np.testing.assert_array_equal(image, [[[10, 20, 30], [200, 100, 50]]])


def test_transparent_pixels_are_white(tmp_path):
    rgba = np.array([[[9, 8, 7, 255], [9, 8, 7, 0]]], "uint8")
    image = read_image(save(rgba, tmp_path / "a.png"))
    np.testing.assert_array_equal(image, [[[9, 8, 7], [255, 255, 255]]])


def test_cmyk(tmp_path):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    image = read_image(save(image, tmp_path / "a.jpg", quality=100))
    assert (np.abs(image.astype(int) - [255, 0, 0]) < 8).all()


def test_exif_orientation_is_applied(photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    path = save(photo, tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(photo, -1))
    assert image_size(path) == (20, 12)


@pytest.mark.parametrize("size", [(1, 1), (20_000, 10), (10, 20_000)])
def test_absurd_sizes_are_read(tmp_path, size):
    path = save(Image.new("RGB", size, (1, 2, 3)), tmp_path / "a.png")
    image = read_image(path)
    assert image.shape == (size[1], size[0], 3) == (*image_size(path), 3)
    assert (image == [1, 2, 3]).all()


def test_truncated_files(photo, tmp_path):
    for suffix in ("jpg", "png"):
        data = io.BytesIO()
        Image.fromarray(photo.repeat(20, 0).repeat(20, 1)).save(
            data, "JPEG" if suffix == "jpg" else "PNG"
        )
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(data.getvalue()[: len(data.getvalue()) // 2])
        with pytest.raises(ValueError, match=rf"cut\.{suffix}.*export it again"):
            read_image(path)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"these are only words", "is not an image.*starts with.*these are on"),
        (b"", "empty file"),
        (b"\x89PNG\r\n\x1a\nrubbish", "a.jpg"),
    ],
)
def test_files_that_are_no_images(tmp_path, content, message):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_image(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ValueError, match="No such image file.*gone.png"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ValueError, match="is a folder"):
        read_image(tmp_path)


def test_formats_outside_the_list_are_refused(photo, tmp_path):
    path = save(photo, tmp_path / "a.ppm")
    os.rename(path, tmp_path / "a.png")
    with pytest.raises(ValueError, match="not an image in one of the formats"):
        read_image(tmp_path / "a.png")


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
    path = save(Image.new("1", (12_000, 9_000)), tmp_path / "bomb.png")
    assert os.path.getsize(path) < 100_000
    with pytest.raises(ValueError, match=r"108,000,000 pixels.*at most 100,000,000"):
        read_image(path)
    with pytest.raises(ValueError, match="at most 100 pixels"):
        read_image(path, max_pixels=100)
    path = save(Image.new("1", (20_000, 20_000)), tmp_path / "larger_bomb.png")
    with pytest.raises(ValueError, match="larger_bomb.png' is too large"):
        read_image(path, max_pixels=10**10)
