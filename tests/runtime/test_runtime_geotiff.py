"""GeoTIFF in parts, with its georeference."""

import numpy as np
import pytest
from fake_model import CLASS_NAMES, PALETTE, fake_labels, random_image

from keras_seg_runtime import segment_geotiff
from keras_seg_runtime.geotiff.raster_image import open_raster

rasterio = pytest.importorskip("rasterio")
pytestmark = pytest.mark.no_backend
TRANSFORM = rasterio.transform.from_origin(500_000, 4_600_000, 0.5, 0.5)


class Model:
    """The answers of `fake_model`; counts the pixels of the largest window."""

    num_classes, ignore_class, long_side = 3, 255, 16
    class_names, palette = CLASS_NAMES, PALETTE
    largest = 0

    def predict_on_batch(self, images):
        self.largest = max(self.largest, images[0, ..., 0].size)
        dark = np.full(images.shape[:3], 100)
        logits = np.stack([dark, images[..., 0], images[..., 1]], axis=-1)
        return logits.astype("float32")


def write(path, bands, crs="EPSG:32633", transform=TRANSFORM, **options):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(bands),
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype.name,
        crs=crs,
        transform=transform,
        **options,
    ) as file:
        file.write(bands)
        return file


@pytest.fixture(autouse=True)
def work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_georeference_colours_and_void_are_kept():
    image = random_image(50, 70)
    bands = np.moveaxis(image, -1, 0).copy()
    bands[:, :5, :7] = 0
    write("in.tif", bands, nodata=0, tiled=True, blockxsize=16, blockysize=16)
    expected = fake_labels(image)
    expected[:5, :7] = 255
    size, counts = segment_geotiff(Model(), "in.tif", "out.tif")
    with rasterio.open("out.tif") as file:
        labels = file.read(1)
        assert file.crs.to_epsg() == 32633 and file.transform == TRANSFORM
        assert file.nodata == 255 and file.dtypes == ("uint8",)
        assert file.colormap(1)[1] == (*PALETTE[1], 255)
        assert file.colormap(1)[255][3] == 0
        assert file.tags()["CLASS_2"] == CLASS_NAMES[2]
    np.testing.assert_array_equal(labels, expected)
    assert size == (50, 70)
    assert counts == dict(zip(*np.unique(labels, return_counts=True), strict=True))


def test_tiles_give_the_same_labels(monkeypatch):
    """Neither the image nor the labels are in memory as a whole."""
    image = random_image(200, 150)
    write("in.tif", np.moveaxis(image, -1, 0))
    import keras_seg_runtime.geotiff.raster_image as home
    from keras_seg_runtime.labels import window_size

    monkeypatch.setattr(window_size, "MAX_WINDOW_PIXELS", 2500)
    parts = []
    read = home.RasterImage.__getitem__

    def noted(self, part):
        parts.append(read(self, part))
        return parts[-1]

    monkeypatch.setattr(home.RasterImage, "__getitem__", noted)
    model = Model()
    segment_geotiff(model, "in.tif", "out.tif")
    assert model.largest <= 2500 and len(parts) > 12
    assert max(part[..., 0].size for part in parts) <= 2500
    with rasterio.open("out.tif") as file:
        np.testing.assert_array_equal(file.read(1), fake_labels(image))


def test_a_long_side():
    image = np.full((64, 96, 3), 50, "uint8")
    image[:, 48:, 1] = 200
    write("in.tif", np.moveaxis(image, -1, 0))
    segment_geotiff(Model(), "in.tif", "out.tif", long_side=48)
    with rasterio.open("out.tif") as file:
        assert (file.read(1) == fake_labels(image)).mean() > 0.97


def test_bands_grey_and_palettes():
    image = random_image(8, 9)
    rgb = np.moveaxis(image, -1, 0)
    near_infrared = np.concatenate([rgb, rgb[:1]])
    write("four.tif", near_infrared, photometric="RGB", alpha="no")
    write("grey.tif", rgb[:1])
    with rasterio.open(
        "palette.tif", "w", driver="GTiff", count=1, height=8, width=9, dtype="uint8"
    ) as file:
        file.write(np.ones((1, 8, 9), "uint8"))
        file.write_colormap(1, {1: (7, 8, 9, 255)})
    with open_raster("four.tif") as source:
        np.testing.assert_array_equal(source[2:5, 1:], image[2:5, 1:])
    with open_raster("grey.tif") as source:
        np.testing.assert_array_equal(source[:, :], image[..., :1].repeat(3, -1))
    with open_raster("palette.tif") as source:
        assert (source[:, :] == [7, 8, 9]).all()


def test_what_cannot_be_read():
    write("deep.tif", np.zeros((3, 8, 8), "uint16"))
    with pytest.raises(ValueError, match="bands of uint16, expected 8 bits"):
        segment_geotiff(Model(), "deep.tif", "out.tif")
    write("two.tif", np.zeros((2, 8, 8), "uint8"))
    with pytest.raises(ValueError, match="two bands"):
        segment_geotiff(Model(), "two.tif", "out.tif")
    (open("text.tif", "w")).write("no image")
    with pytest.raises(ValueError, match="cannot be read as a GeoTIFF"):
        segment_geotiff(Model(), "text.tif", "out.tif")
    with pytest.raises(ValueError, match="No such image"):
        segment_geotiff(Model(), "nowhere.tif", "out.tif")


def test_an_incomplete_image_leaves_nothing(tmp_path):
    write("in.tif", np.moveaxis(random_image(300, 300), -1, 0))
    content = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(content[: len(content) // 2])
    (tmp_path / "out.tif").write_text("precious")
    with pytest.raises((OSError, ValueError)):
        segment_geotiff(Model(), "in.tif", "out.tif")
    assert (tmp_path / "out.tif").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.tif", "out.tif"]


def test_no_georeference_and_control_points():
    image = np.moveaxis(random_image(8, 9), -1, 0)
    write("plain.tif", image, crs=None, transform=None)
    with pytest.warns(UserWarning, match="'plain.tif' has no georeference"):
        segment_geotiff(Model(), "plain.tif", "out.tif")
    write("points.tif", image, crs=None, transform=None)
    points = [
        rasterio.control.GroundControlPoint(r, c, c, r) for r in (0, 8) for c in (0, 9)
    ]
    with rasterio.open("points.tif", "r+") as file:
        file.gcps = points, rasterio.crs.CRS.from_epsg(4326)
    segment_geotiff(Model(), "points.tif", "out.tif")
    with rasterio.open("out.tif") as file:
        found, crs = file.gcps
        assert crs.to_epsg() == 4326 and len(found) == 4
