"""Every kind of image file is read as RGB bytes, or refused with a reason."""

import io
import os

import handmade_files
import numpy as np
import pytest
from PIL import Image

from keras_seg.data import as_rgb, read_image
from keras_seg_runtime.images.read_image import image_size

pytestmark = pytest.mark.no_backend


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


@pytest.mark.parametrize("open_it", [str, Image.open])
@pytest.mark.parametrize("colour_type", [0, 2])
@pytest.mark.parametrize("rows", [0, 3, 11])
def test_png_with_missing_rows(photo, tmp_path, open_it, colour_type, rows):
    pixels = np.maximum(photo if colour_type else photo[..., 0], 1)
    whole = handmade_files.png(tmp_path / "a.png", pixels, 8, colour_type)
    assert as_rgb(open_it(str(whole))).shape == photo.shape
    short = handmade_files.png(tmp_path / "b.png", pixels, 8, colour_type, rows)
    with pytest.raises(ValueError, match="incomplete"):
        as_rgb(open_it(str(short)))


@pytest.mark.parametrize("height, width", [(1, 1), (1, 9), (9, 1), (12, 20), (8, 8)])
def test_interlaced_png(tmp_path, height, width):
    rng = np.random.default_rng(1)
    pixels = rng.integers(1, 256, (height, width, 3), dtype="uint8")
    options = {"colour_type": 2, "interlaced": True}
    path = handmade_files.png(tmp_path / "a.png", pixels, **options)
    np.testing.assert_array_equal(read_image(path), pixels)
    for share in (0.5, 0.97):
        path = handmade_files.png(tmp_path / "b.png", pixels, share=share, **options)
        with pytest.raises(ValueError, match="incomplete"):
            read_image(path)


@pytest.mark.filterwarnings("error")
def test_black_png_is_complete(tmp_path):
    black = np.zeros((9, 9), "uint8")
    path = handmade_files.png(tmp_path / "a.png", black)
    assert not read_image(path).any()
    with pytest.raises(ValueError, match="89% of the pixels"):
        read_image(handmade_files.png(tmp_path / "a.png", black, rows=8))


def test_integers_of_0_to_255_in_wider_files(tmp_path):
    grey = np.array([[0, 100, 255]])
    image = read_image(save(grey.astype("int32"), tmp_path / "a.tiff"))
    np.testing.assert_array_equal(image[..., 0], grey)
    with pytest.warns(UserWarning, match="taken for 0..255"):
        image = read_image(save(grey.astype("uint16"), tmp_path / "b.png"))
    np.testing.assert_array_equal(image[..., 0], grey)
    with pytest.warns(UserWarning, match="12 bits"):
        read_image(save(grey.astype("uint16") * 16, tmp_path / "c.png"))
    with pytest.raises(ValueError, match="grey values from -1 to 255"):
        read_image(save(grey.astype("int32") - (grey == 0), tmp_path / "d.tiff"))


def test_tiff_files_of_satellites(photo, tmp_path):
    infrared = np.full((12, 20, 1), 30, "uint8")
    four = np.concatenate([photo, infrared], axis=-1)
    path = handmade_files.tiff(tmp_path / "a.tif", four, extra=[2])
    with pytest.warns(UserWarning, match="near infrared"):
        np.testing.assert_array_equal(read_image(path), photo)
    path = handmade_files.tiff(tmp_path / "a.tif", four, extra=[0])
    np.testing.assert_array_equal(read_image(path), photo)
    for pixels, message in (
        (photo / np.float32(255), "3 bands .* of 32-bit floating point"),
        (photo[..., :1] / np.float32(255), "holds floating point values"),
    ):
        photometric = 2 if pixels.shape[-1] == 3 else 1
        path = handmade_files.tiff(tmp_path / "b.tif", pixels, photometric)
        with pytest.raises(ValueError, match=message) as error:
            read_image(path)
        assert "broken" not in str(error.value)


def test_an_image_that_is_all_transparent_keeps_its_colours(photo, tmp_path):
    rgba = np.concatenate([photo, np.zeros((12, 20, 1), "uint8")], axis=-1)
    with pytest.warns(UserWarning, match="hides every pixel"):
        image = read_image(save(rgba, tmp_path / "a.png"))
    np.testing.assert_array_equal(image, photo)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="device or a pipe"):
        read_image(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(ValueError, match="link that leads to no file"):
        read_image(tmp_path / "loop.png")
    with pytest.raises(ValueError, match="No such image file: 'a.x1bb.png'"):
        read_image("a\x1bb.png")


def test_path_as_bytes(photo, tmp_path):
    path = os.fsencode(save(photo, tmp_path / "ä [1].png"))
    np.testing.assert_array_equal(read_image(path), photo)
    np.testing.assert_array_equal(as_rgb(path), photo)
    with pytest.raises(ValueError, match="content of a file.*BytesIO"):
        as_rgb(b"\xff\xd8" + bytes(5000))


def test_broken_pillow_image(photo, tmp_path):
    path = save(photo, tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:300])
    with pytest.raises(ValueError, match="broken or incomplete"):
        as_rgb(Image.open(path))


@pytest.mark.parametrize(
    "scale, shift, message",
    [
        (1 / 255, 0.0, "range of 0..1: multiply by 255"),
        (1.17 / 255, 0.0, "overshoots of resizing: multiply by 255"),
        (1.3 / 255, -0.2, "overshoots of resizing: multiply by 255"),
        (3 / 255, 0.0, "multiply by 255"),
        (2 / 255, -1.0, "before it is normalised"),
        (1.04, -4.0, "before it is normalised.*clip"),
    ],
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_of_another_range_are_refused(photo, scale, shift, message, dtype):
    with pytest.raises(ValueError, match=message):
        as_rgb((photo * scale + shift).astype(dtype))


def test_floats_of_0_to_255(photo):
    np.testing.assert_array_equal(as_rgb(photo.astype("float32")), photo)
    dark = (photo % 3).astype("float32")  # black, but certainly not 0..1
    np.testing.assert_array_equal(as_rgb(dark), photo % 3)


def test_tensors_of_every_library(photo):
    torch = pytest.importorskip("torch")
    expected = photo // 2 * 2  # 8 bits of precision hold 7 bits of these
    tensor = torch.tensor(expected.astype("float32"), requires_grad=True)
    np.testing.assert_array_equal(as_rgb(tensor), expected)
    assert np.abs(as_rgb(tensor.bfloat16()).astype(int) - expected).max() <= 1
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = expected.astype(ml_dtypes.bfloat16)
    assert np.abs(as_rgb(array).astype(int) - expected).max() <= 1
    with pytest.raises(ValueError, match="NumPy cannot read"):
        as_rgb([[1, 2], [3]])


def test_tiff_with_missing_strips(photo, tmp_path):
    path = handmade_files.tiff(tmp_path / "a.tif", photo, rows=12)
    np.testing.assert_array_equal(read_image(path), photo)
    path = handmade_files.tiff(tmp_path / "a.tif", photo, rows=5)
    with pytest.raises(ValueError, match="20 x 5 of 20 x 12 pixels"):
        read_image(path)
