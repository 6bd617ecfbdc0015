import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_ecenet import tiny_ecenet

import keras_seg
from keras_seg.presets import shipped
from keras_seg.presets.registry import PRESETS

PROJECT = Path(keras_seg.__file__).parents[1]


@pytest.fixture
def export(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "scripts")
    spec = importlib.util.spec_from_file_location(
        "export_preset", PROJECT / "scripts" / "export_preset.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_run_becomes_a_shipped_preset(export, tmp_path, monkeypatch, capsys):
    names = ["Sky", "Road"]
    model = tiny_ecenet(2, class_names=names, palette=[[0, 0, 0], [255, 0, 0]])
    model.save_to_preset(tmp_path / "run" / "preset")
    scores = {"mean_iou": 0.7, "pixel_accuracy": 0.9}
    results = {
        "arguments": {
            "model": "ecenet",
            "data": "camvid",
            "backbone": "MobileNetV2",
            "crop_size": [192, 256],
            "focus_classes": [],
            "resume": True,
            "no_test": False,
            "ema": 0,
        },
        "weights": "best.weights.h5",
        "seed": 5,
        "commit": "abc123",
        "backend": "jax",
        "keras": "3.15.1",
        "hardware": "2 x CPU",
        "hours": 1.5,
        "epochs": 26,
        "val": {"images": 9, "class_iou": {"Sky": 0.9, "Road": 0.5}, **scores},
    }
    (tmp_path / "run" / "results.json").write_text(json.dumps(results))
    output = tmp_path / "weights" / "ecenet_camvid"
    words = ["export_preset.py", str(tmp_path / "run"), "--output", str(output)]
    monkeypatch.setattr("sys.argv", words)
    export.main()

    card = (output / "README.md").read_text()
    for part in (
        "CC BY-NC 4.0, non-commercial",
        "Apache-2.0",
        'keras_seg.ECENet.from_preset("camvid")',
        "| Sky | 90.0 |",
        "| **mean IoU** | 70.0 |",
        "| Seed | 5 |",
        "| Commit | abc123 |",
        "| Hardware | 2 x CPU |",
        "--crop-size 192 256",
        "--ema 0",
    ):
        assert part in card, part
    for part in ("resume", "--no-test", "--focus-classes", str(tmp_path)):
        assert part not in card, part

    # What was printed is Python, and with it in the registry the preset loads.
    registry = {"ECENet": {}}
    exec(capsys.readouterr().out, {"PRESETS": registry})  # our own output
    monkeypatch.setitem(PRESETS, "ECENet", registry["ECENet"])
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "keras_seg")
    copy = keras_seg.ECENet.from_preset("camvid")
    assert copy.class_names == names
    assert copy.count_params() == registry["ECENet"]["camvid"]["params"]
    for left, right in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-3)
    assert copy.presets["camvid"].startswith("ECENet on CamVid, 2 classes, MobileNetV2")


def test_a_student_of_some_classes_becomes_a_preset_of_all(
    export, tmp_path, monkeypatch, capsys
):
    """Its channels get the ids that their names have among the 150 of ADE20K."""
    model = tiny_ecenet(2, class_names=["sky", "wall"], temperature=1.25)
    model.save_to_preset(tmp_path / "calibrated")
    results = {
        **dict.fromkeys(("weights", "commit", "backend", "keras", "hardware"), "x"),
        **dict.fromkeys(("seed", "hours", "epochs"), 1),
        "arguments": {"model": "ecenet", "data": "folder", "backbone": "MobileNetV2"},
        "val": {
            "images": 9,
            "class_iou": {"sky": 0.9, "wall": 0.5},
            "mean_iou": 0.7,
            "pixel_accuracy": 0.9,
        },
    }
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.json").write_text(json.dumps(results))
    output = tmp_path / "weights" / "ecenet_ade20k"
    words = f"export_preset.py {tmp_path}/run --output {output} --dataset ade20k"
    words += f" --preset {tmp_path}/calibrated"
    monkeypatch.setattr("sys.argv", words.split())
    export.main()

    card = (output / "README.md").read_text()
    assert 'from_preset("ade20k")' in card and "| wall | 50.0 |" in card
    assert "knows 2 of them" in card and "2 sky, 0 wall" in card
    printed = capsys.readouterr().out
    assert printed.startswith('PRESETS["ECENet"]["ade20k"] =')
    assert "150 classes, MobileNetV2, val mIoU 70.0." in printed
    copy = keras_seg.ECENet.from_preset(output)
    assert copy.num_classes == 150 and copy.classes_learned == [2, 0]
    assert copy.temperature == 1.25 and copy.long_side == 384
    assert copy.class_names[12] == "person" and copy.palette[2] == [6, 230, 230]
    image = np.random.default_rng(0).integers(0, 256, (500, 40, 3), "uint8")
    assert set(np.unique(copy.segment(image))) <= {0, 2}


def test_regions_and_origin_are_in_the_card(export):
    scores = {"images": 9, "mean_iou": 0.7, "pixel_accuracy": 0.9}
    regions = {"class_semantics": 0.625, "instance_diversity": 0.25}
    results = {
        split: {**scores, "class_iou": {"Sky": 0.9}, "regions": regions}
        for split in ("val", "test")
    }
    text = export.results_table(results, ["val", "test"])
    assert "| regions, class semantics | 62.5 | 62.5 |" in text
    assert "| regions, instance diversity | 25.0 | 25.0 |" in text
    arguments = {"backbone": None, "preset": "sgr/camvid"}
    assert export.origin(arguments) == "that of sgr/camvid"
