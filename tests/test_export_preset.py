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
def export():
    spec = importlib.util.spec_from_file_location(
        "export_preset", PROJECT / "examples" / "export_preset.py"
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
