"""The EXIF orientation is one rule for photos, masks, sizes and Pillow images."""

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import (
    SegmentationFolder,
    as_rgb,
    check_dataset,
    read_image,
    read_mask,
)
from keras_seg_runtime.images.orientation import turn_array
from keras_seg_runtime.images.read_image import image_size

pytestmark = pytest.mark.no_backend

# What a viewer makes of the stored pixels, written out without the package.
TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: a[::-1, ::-1],
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
    8: np.rot90,
}
RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype="uint8")
IDS = RGB[..., 0] % 4
FILES = [
    ("png", {}),
    ("webp", {"lossless": True}),
    ("tif", {}),
    ("tif", {"compression": "tiff_lzw"}),
    ("jpg", {"quality": 100, "subsampling": 0}),
]


def save(pixels, path, orientation, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels)
    if options.pop("palette", False):
        image.putpalette(list(range(12)))
    image.save(path, exif=exif, **options)
    return str(path)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix, options", FILES)
def test_photos(tmp_path, orientation, suffix, options):
    path = save(RGB, tmp_path / f"a.{suffix}", orientation, **options)
    expected = TURNS[orientation](RGB).astype(int)
    for image in (read_image(path), as_rgb(Image.open(path)), as_rgb(path)):
        assert image.shape == expected.shape
        error = np.abs(image - expected)
        assert error.mean() < (4 if suffix == "jpg" else 1e-9)
    assert image_size(path) == expected.shape[:2]


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix, options", FILES[:1] + FILES[2:4])
@pytest.mark.parametrize("kind", ["grey", "palette", "16 bit"])
def test_masks(tmp_path, orientation, suffix, options, kind):
    ids = IDS.astype("uint16") if kind == "16 bit" else IDS
    options = {**options, "palette": kind == "palette"}
    path = save(ids, tmp_path / f"a.{suffix}", orientation, **options)
    expected = TURNS[orientation](IDS)
    np.testing.assert_array_equal(read_mask(path), expected)
    assert image_size(path) == expected.shape
    assert as_rgb(Image.open(path)).shape[:2] == expected.shape


@pytest.mark.parametrize("orientation", TURNS)
def test_turn_array(orientation):
    np.testing.assert_array_equal(turn_array(RGB, orientation), TURNS[orientation](RGB))


def test_pixels_that_were_turned_already_are_left_alone(tmp_path):
    path = save(RGB, tmp_path / "a.tif", 6)
    image = Image.open(path)
    image.load()  # Pillow turns TIFF files here
    np.testing.assert_array_equal(as_rgb(image), TURNS[6](RGB))
    np.testing.assert_array_equal(as_rgb(image), TURNS[6](RGB))


def pair(tmp_path, orientation, mask_orientation=None, shape=(20, 30)):
    folders = tmp_path / "images", tmp_path / "masks"
    for folder in folders:
        folder.mkdir()
    height, width = shape
    rgb = np.zeros((height, width, 3), "uint8")
    rgb[:5, :7] = 255
    save(rgb, folders[0] / "a.png", orientation)
    mask = (rgb[..., 0] > 0).astype("uint8")
    if mask_orientation is None:
        Image.fromarray(mask).save(folders[1] / "a.png")
    else:
        save(mask, folders[1] / "a.png", mask_orientation)
    return folders


def kinds(report):
    return [problem["kind"] for problem in report.problems]


@pytest.mark.parametrize("orientation", list(TURNS)[1:])
def test_masks_drawn_over_the_pixels_as_stored(tmp_path, orientation):
    folders = pair(tmp_path, orientation)
    source = SegmentationFolder(*folders, num_classes=2, turn_masks=True)
    image, label = source[0]
    np.testing.assert_array_equal(image[..., 0] > 0, label == 1)
    assert "EXIF" not in str(kinds(check_dataset(source)))

    source = SegmentationFolder(*folders, num_classes=2)
    if orientation >= 5:
        with pytest.raises(ValueError, match="(?s)EXIF.*turn_masks=True.*not resize"):
            source[0]
        expected = "EXIF orientation"
    else:
        with pytest.warns(UserWarning, match="EXIF orientation .*turn_masks=True"):
            source[0]
        expected = "EXIF orientation may differ"
    for data in (source, folders):
        report = check_dataset(data, num_classes=2)
        assert expected in kinds(report) and "sizes differ" not in kinds(report)
        assert report.ok == (orientation < 5)


def test_a_square_photo_with_a_quarter_turn_is_a_suspect(tmp_path):
    folders = pair(tmp_path, 6, shape=(20, 20))
    assert "EXIF orientation may differ" in kinds(check_dataset(folders))


@pytest.mark.filterwarnings("error")
def test_no_false_alarm(tmp_path):
    folders = pair(tmp_path, 3)
    source = SegmentationFolder(*folders, num_classes=2, turn_masks=False)
    source[0]
    assert "EXIF" not in str(kinds(check_dataset(source)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("turn_masks", [None, True, False])
def test_masks_with_the_orientation_of_their_photo(tmp_path, turn_masks):
    folders = pair(tmp_path, 6, mask_orientation=6)
    source = SegmentationFolder(*folders, num_classes=2, turn_masks=turn_masks)
    image, label = source[0]
    np.testing.assert_array_equal(image[..., 0] > 0, label == 1)
    assert "EXIF" not in str(kinds(check_dataset(source)))


@pytest.mark.filterwarnings("error")
def test_masks_drawn_over_the_turned_photo(tmp_path):
    folders = pair(tmp_path, 6)
    with Image.open(folders[1] / "a.png") as mask:
        turned = mask.transpose(Image.Transpose.ROTATE_270)
    turned.save(folders[1] / "a.png")
    image, label = SegmentationFolder(*folders, num_classes=2)[0]
    np.testing.assert_array_equal(image[..., 0] > 0, label == 1)
