"""`keras-seg predict` with polygons, GeoTIFF and videos."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from fake_model import CLASS_NAMES, fake_labels, fake_model, random_image
from PIL import Image
from project_paths import ROOT

from keras_seg import models
from keras_seg_cli.main import main
from keras_seg_runtime.video.video_file import VideoFile, read_labels

pytestmark = pytest.mark.no_backend


@pytest.fixture(autouse=True)
def loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load_model", lambda preset: fake_model())


def photo(path, seed=0):
    image = random_image(20, 26, seed)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return image


def clip(path, count=3):
    images = np.random.default_rng(0).integers(0, 256, (count, 20, 26, 3), "uint8")
    file = VideoFile(path, 25.0, "FFV1")
    for image in images:
        file.write(image)
    file.close()
    return images


def predict(*words):
    return main(["predict", *map(str, words)])


def test_all_files_of_tools_in_one_run(capsys):
    image = photo("in/a.png")
    photo("in/sub/b.png", seed=1)
    options = "--coco out/coco.json --coco-form polygons --labelme in --cvat out/c.xml"
    words = ["in/a.png", "in/sub/b.png", *options.split(), "--min-area", "3"]
    assert predict(*words) == 0
    captured = capsys.readouterr()
    assert "in/a.png:" in captured.err
    assert "parts below 3 pixels are left out of the polygons" in captured.err
    coco = json.loads(Path("out/coco.json").read_text())
    assert isinstance(coco["annotations"][0]["segmentation"][0], list)
    assert [x["name"] for x in coco["categories"]] == CLASS_NAMES
    labelme = json.loads(Path("in/b.json").read_text())
    assert labelme["imagePath"] == "sub/b.png"
    assert {shape["label"] for shape in labelme["shapes"]} <= set(CLASS_NAMES)
    root = ElementTree.parse("out/c.xml").getroot()
    assert [x.get("name") for x in root.iter("image")] == ["a.png", "sub/b.png"]
    areas = np.bincount(fake_labels(image).ravel())
    found = sum(x["area"] for x in coco["annotations"] if x["image_id"] == 1)
    assert 0 < found < areas.sum()
    assert predict(*words) == 2
    assert "pass --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.png", "--labelme", "."], "--labelme ./a.json exists"),
        (["a.png", "b/a.png", "--labelme", "out"], "would share this file"),
        (["a.png", "--cvat", "a.png", "--overwrite"], "is an image of this batch"),
        (["clip.mkv", "--cvat", "c.xml"], "are for images"),
        (["clip.mkv", "--output", "-"], "takes one image"),
    ],
)
def test_what_does_not_fit_is_refused(words, message, capsys):
    for path in ("a.png", "b/a.png"):
        photo(path)
    Path("a.json").write_text("precious")
    assert predict(*words) == 2
    assert message in capsys.readouterr().err
    assert Path("a.json").read_text() == "precious"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--coco-form", "polygons", "-o", "out"], "--coco-form needs --coco"),
        (["--geotiff", "--coco", "a.json", "-o", "out"], "--geotiff writes"),
        (["--every", "0", "-o", "out"], "--every"),
        (["--simplify", "-1", "-o", "out"], "--simplify"),
        ([], "nothing to do"),
    ],
)
def test_options_that_do_not_fit(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        predict("a.png", *words)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(capsys):
    photo("a.png")
    Path("file").write_text("")
    assert predict("a.png", "--cvat", "file/c.xml") == 2
    assert "file" in capsys.readouterr().err


def test_videos_beside_images(capsys):
    photo("a.png")
    images = clip("clip.mkv")
    words = ["a.png", "clip.mkv", "-o", "out", "--shares", "csv"]
    assert predict(*words) == 0
    captured = capsys.readouterr()
    rows = list(csv.reader(captured.out.splitlines()))
    assert [row[0] for row in rows] == [
        "image",
        "a.png",
        "clip.mkv#0",
        "clip.mkv#1",
        "clip.mkv#2",
    ]
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == [
        "a_labels.png",
        "a_overlay.png",
        "clip_labels.mkv",
        "clip_overlay.mp4",
    ]
    expected = [fake_labels(image) for image in images]
    np.testing.assert_array_equal(list(read_labels("out/clip_labels.mkv")), expected)
    assert "2 of 2 segmented" in captured.err
    assert predict("clip.mkv", "-o", "out") == 1
    assert "pass --overwrite" in capsys.readouterr().err


def test_a_video_that_ends_early(capsys):
    clip("clip.avi", count=20)
    content = Path("clip.avi").read_bytes()
    Path("clip.avi").write_bytes(content[: len(content) // 2])
    Path("text.mp4").write_text("no video")
    assert predict("clip.avi", "text.mp4", "nowhere.mp4", "camera:77", "-o", "out") == 1
    captured = capsys.readouterr()
    assert "clip.avi: ends after" in captured.err
    assert "'text.mp4' cannot be read as a video" in captured.err
    assert "nowhere.mp4: no such file" in captured.err
    assert "There is no camera:77" in captured.err
    assert "0 of 4 segmented" in captured.out
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == ["clip_labels.mkv", "clip_overlay.mp4"]


def test_geotiff(capsys):
    rasterio = pytest.importorskip("rasterio")
    image = random_image(20, 26)
    with rasterio.open(
        "field.tif",
        "w",
        driver="GTiff",
        count=3,
        height=20,
        width=26,
        dtype="uint8",
        crs="EPSG:4326",
        transform=rasterio.transform.from_origin(10, 50, 0.1, 0.1),
    ) as file:
        file.write(np.moveaxis(image, -1, 0))
    photo("a.png")
    assert (
        predict("field.tif", "a.png", "--geotiff", "-o", "out", "--shares", "csv") == 1
    )
    captured = capsys.readouterr()
    assert "'a.png' cannot be read as a GeoTIFF" in captured.err
    assert captured.out.splitlines()[1].startswith("field.tif,")
    assert [path.name for path in Path("out").iterdir()] == ["field_labels.tif"]
    with rasterio.open("out/field_labels.tif") as file:
        assert file.crs.to_epsg() == 4326
        np.testing.assert_array_equal(file.read(1), fake_labels(image))


@pytest.mark.parametrize(
    ("module", "words", "message"),
    [
        ("rasterio", ["--geotiff", "-o", "out"], "pip install 'keras-seg[geo]'"),
        ("cv2", ["--cvat", "c.xml"], "pip install opencv-python-headless"),
    ],
)
def test_a_missing_library_is_named(module, words, message, monkeypatch, capsys):
    photo("a.png")
    monkeypatch.setitem(sys.modules, module, None)
    assert predict("a.png", *words) == 2
    assert message in capsys.readouterr().err


WITHOUT_KERAS = """
import json, sys
import numpy as np
from pathlib import Path
from keras_seg_cli.main import main
from keras_seg_runtime.exported.description import file_hashes
from keras_seg_runtime.exported.sessions import SESSIONS

class Session:
    def __init__(self, path, threads):
        pass
    def run(self, images):
        return images.astype("float32")

SESSIONS["onnx"] = Session
Path("m.onnx").write_text("")
entry = {"output": "logits", "size": None, "sha256": file_hashes(Path("m.onnx"))}
Path("m.json").write_text(json.dumps({
    "format_version": 1, "num_classes": 3, "class_names": list("abc"),
    "palette": [[0, 0, 0]] * 3, "ignore_class": 255, "long_side": None,
    "input_scale": 1, "files": {"m.onnx": entry},
}))
words = ["predict", "a.png", "clip.mkv", "--model", "m.onnx", "--output", "out"]
print(main(words), main([*words[:2], *words[3:5], "--cvat", "c.xml"]))
print([m for m in ("keras", "tensorflow", "torch", "jax") if m in sys.modules])
"""


def test_an_exported_file_needs_no_keras():
    image = photo("a.png")
    images = clip("clip.mkv", count=2)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_KERAS],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-2:] == ["0 0", "[]"], done.stderr
    with Image.open("out/a_labels.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), image.argmax(axis=-1))
    found = list(read_labels("out/clip_labels.mkv"))
    np.testing.assert_array_equal(found, images.argmax(axis=-1))
    assert b"<polygon" in Path("c.xml").read_bytes()
