"""`keras-seg explain` and the picture that it draws."""

import sys

import numpy as np
import pytest
from PIL import Image
from tiny_backbone import TinyBackbone
from tiny_ecenet import tiny_ecenet

import keras_seg
from keras_seg.visualization import default_palette, draw_regions
from keras_seg_cli.main import main


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / "sgr"
    model = keras_seg.SGR(
        TinyBackbone(2),
        3,
        hidden_dim=8,
        reasoner={"num_regions": 5, "depth": 1},
        dilation_rates=[1],
        class_names=["sky", "road", "car"],
    )
    model.save_to_preset(path)
    return path


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype="uint8")
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def explain(*words):
    return main(["explain", *map(str, words)])


def test_draws_the_regions_of_the_preset(preset, photo, tmp_path, capsys):
    out = tmp_path / "out"
    words = [photo, "--preset", preset, "--output", out, "--alpha", 1, "--no-legend"]
    assert explain(*words) == 0
    assert [path.name for path in out.iterdir()] == ["photo_regions.png"]
    assert f"1 of 1 explained, see {out}" in capsys.readouterr().out
    picture = np.array(Image.open(out / "photo_regions.png"))
    model = keras_seg.SGR.from_preset(preset)
    ids = model.regions(Image.open(photo), hard=True)
    inner = np.ones(ids.shape, bool)  # without the lines between regions
    inner[1:] &= ids[1:] == ids[:-1]
    inner[:, 1:] &= ids[:, 1:] == ids[:, :-1]
    np.testing.assert_array_equal(
        picture[inner], default_palette(ids.max() + 1)[ids[inner]]
    )
    assert explain(*words) == 1  # the file is there
    assert "--overwrite" in capsys.readouterr().err
    assert explain(*words, "--overwrite") == 0


def test_one_bad_file_does_not_end_the_batch(preset, photo, tmp_path, capsys):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    words = [bad, photo, "-p", preset, "-o", tmp_path / "out", "--long-side", "32"]
    assert explain(*words) == 1
    captured = capsys.readouterr()
    assert "bad.png" in captured.err and "1 of 2 explained" in captured.out
    width, height = Image.open(tmp_path / "out" / "photo_regions.png").size
    assert width >= 60 and height > 40  # with a legend


def test_a_model_without_regions_is_refused(photo, tmp_path, capsys):
    tiny_ecenet().save_to_preset(tmp_path / "plain")
    words = [photo, "-p", tmp_path / "plain", "-o", tmp_path / "out"]
    assert explain(*words) == 2
    assert "without latent regions" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_legend_names_the_most_frequent_class(monkeypatch):
    seen = {}

    def overlay(image, labels, names, palette, **kwargs):
        seen["names"] = names
        return image

    module = sys.modules[draw_regions.__module__]
    monkeypatch.setattr(module, "draw_overlay", overlay)
    regions = np.array([[0, 0, 3, 3, 3, 1]])
    labels = np.array([[1, 1, 0, 2, 2, 255]])
    draw_regions(np.zeros((1, 6, 3), "uint8"), regions, labels, ["sky", "road", "car"])
    assert seen["names"] == ["0 road", "1 no label", "2 no label", "3 car"]
    with pytest.raises(ValueError, match="same shape"):
        draw_regions(np.zeros((1, 6, 3)), regions, labels[:, 1:], ["sky"])
