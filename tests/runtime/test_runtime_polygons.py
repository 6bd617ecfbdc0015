"""Polygons of label maps, filled again by the rules of the tools that read them."""

import io
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from keras_seg_runtime import (
    CvatImages,
    coco_polygons,
    label_polygons,
    labelme_content,
)

pytestmark = pytest.mark.no_backend


def noise(height=30, width=40, classes=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, classes, (height, width)).astype("uint8")


def blobs(height=90, width=120):
    """Smooth areas with holes, and some void."""
    values = np.random.default_rng(0).random((9, 12)).astype("float32")
    values = cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC)
    labels = np.digitize(values, [0.3, 0.5, 0.7]).astype("uint8")
    labels[10:20, 30:70] = 255
    return labels


def fill_at_centres(points, height, width):
    """Even-odd at the centre of each pixel, as COCO and CVAT define a mask."""
    after = np.roll(points, -1, axis=0)
    mask = np.zeros((height, width), bool)
    for row in range(height):
        y = row + 0.5
        crosses = (points[:, 1] < y) != (after[:, 1] < y)
        a, b = points[crosses], after[crosses]
        x = a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
        mask[row] = (np.arange(width)[:, None] + 0.5 > x).sum(axis=1) % 2
    return mask


def fill_with_pillow(points, height, width):
    """As Labelme makes a mask of a polygon."""
    picture = Image.new("L", (width, height))
    corners = [tuple(point) for point in points.tolist()]
    ImageDraw.Draw(picture).polygon(corners, outline=1, fill=1)
    return np.asarray(picture) > 0


def fill_with_pycocotools(points, height, width):
    mask = pytest.importorskip("pycocotools.mask")
    runs = mask.frPyObjects([points.ravel().tolist()], height, width)
    return mask.decode(runs)[..., 0] > 0


def filled(polygons, shape, fill):
    labels = np.full(shape, 255)
    for polygon in sorted(polygons, key=lambda polygon: -polygon.area):
        labels[fill(polygon.points, *shape)] = polygon.class_id
    return labels


@pytest.mark.parametrize("labels", [noise(), blobs()], ids=["noise", "blobs"])
@pytest.mark.parametrize(
    ("place", "fill"),
    [
        ("edges", fill_at_centres),
        ("edges", fill_with_pycocotools),
        ("pixels", fill_with_pillow),
    ],
)
def test_every_pixel_comes_back(labels, place, fill):
    polygons, left_out = label_polygons(labels, 4, tolerance=0, place=place)
    assert not left_out
    np.testing.assert_array_equal(filled(polygons, labels.shape, fill), labels)
    for polygon in polygons:  # each is one part with its holes, without the others
        mask = fill(polygon.points, *labels.shape)
        assert mask.sum() == polygon.area
        assert (labels[mask] == polygon.class_id).all()


def test_fewer_points_and_nearly_the_same_map():
    labels = blobs()
    exact, _ = label_polygons(labels, 4, tolerance=0)
    for tolerance, share in ((0.5, 0.03), (1.0, 0.08)):
        polygons, _ = label_polygons(labels, 4, tolerance=tolerance)
        count = sum(len(polygon.points) for polygon in polygons)
        assert count < 0.7 * sum(len(polygon.points) for polygon in exact)
        found = filled(polygons, labels.shape, fill_at_centres)
        assert (found != labels).mean() < share


def test_holes_in_holes():
    labels = np.zeros((11, 13), "uint8")
    labels[1:10, 1:12] = 1
    labels[3:8, 3:6] = labels[3:8, 7:10] = 0
    labels[5, 4] = 1
    polygons, _ = label_polygons(labels, 2, tolerance=0)
    assert [(p.class_id, p.area) for p in polygons] == [
        (0, 143 - 99),
        (0, 15),
        (0, 14),
        (1, 69),
        (1, 1),
    ]
    np.testing.assert_array_equal(
        filled(polygons, labels.shape, fill_at_centres), labels
    )


def test_small_parts_are_left_out_and_reported():
    labels = np.zeros((8, 8), "uint8")
    labels[2, 2] = labels[5, 5:7] = 1
    polygons, left_out = label_polygons(labels, 2, min_area=2)
    assert [(p.class_id, p.area) for p in polygons] == [(0, 61), (1, 2)]
    assert left_out == [1]


def test_void_and_wrong_options():
    assert label_polygons(np.full((3, 3), 255), 5) == ([], [])
    for options in ({"place": "x"}, {"min_area": -1}, {"tolerance": float("nan")}):
        with pytest.raises(ValueError, match="Received"):
            label_polygons(np.zeros((3, 3), int), 2, **options)


def test_coco_has_an_annotation_for_each_class():
    labels = blobs()
    annotations, _ = coco_polygons(labels, 4, image_id=7, first_id=5, tolerance=0)
    assert [a["id"] for a in annotations] == [5, 6, 7, 8]
    for annotation in annotations:
        expected = labels == annotation["category_id"]
        mask = np.zeros(labels.shape, bool)
        for part in annotation["segmentation"]:
            mask |= fill_at_centres(np.reshape(part, (-1, 2)), *labels.shape)
        np.testing.assert_array_equal(mask, expected)
        rows, columns = np.nonzero(expected)
        left, top, width, height = annotation["bbox"]
        assert (left, left + width) == (columns.min(), columns.max() + 1)
        assert (top, top + height) == (rows.min(), rows.max() + 1)
        assert annotation["area"] == expected.sum()


def test_labelme_file():
    labels = blobs()
    names = ["sky", "sea", "land", "snow"]
    content, _ = labelme_content(labels, names, "../photo.jpg", tolerance=0)
    assert content["imagePath"] == "../photo.jpg"
    assert (content["imageHeight"], content["imageWidth"]) == labels.shape
    found = np.full(labels.shape, 255)
    for shape in content["shapes"]:
        assert shape["shape_type"] == "polygon"
        mask = fill_with_pillow(np.array(shape["points"]), *labels.shape)
        found[mask] = names.index(shape["label"])
    np.testing.assert_array_equal(found, labels)


def test_cvat_file():
    labels = blobs()
    names = ['<sky> & "sea"', "b\x00ell", "land", "snow"]
    images = CvatImages(names, [[255, 0, 16]] * 4)
    images.add("a/é.jpg", labels, tolerance=0)
    file = io.BytesIO()
    images.write(file)
    root = ElementTree.fromstring(file.getvalue())
    assert root.findtext("version") == "1.1"
    listed = [label.findtext("name") for label in root.iter("label")]
    assert listed == ['<sky> & "sea"', "b?ell", "land", "snow"]
    assert root.find(".//label/color").text == "#ff0010"
    (image,) = root.iter("image")
    assert image.get("name") == "a/é.jpg" and image.get("width") == "120"
    found = np.full(labels.shape, 255)
    for polygon in image.iter("polygon"):
        points = [p.split(",") for p in polygon.get("points").split(";")]
        mask = fill_at_centres(np.array(points, float), *labels.shape)
        found[mask] = listed.index(polygon.get("label"))
    np.testing.assert_array_equal(found, labels)
