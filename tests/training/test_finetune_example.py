"""`examples/finetune.py` trains on a folder of images and masks."""

import runpy
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from project_paths import ROOT
from tiny_ecenet import tiny_ecenet

from keras_seg import models

SCRIPT = ROOT / "examples" / "finetune.py"


@pytest.mark.skipif(
    keras.config.backend() != "torch",
    reason="TensorFlow and JAX trace or compile the training step for a minute. "
    "Nothing here depends on the backend.",
)
def test_finetune(tmp_path, monkeypatch):
    tiny_ecenet().save_to_preset(tmp_path / "tiny")
    random = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for i in range(6):
        ids = random.integers(0, 2, (4, 4), "uint8").repeat(8, 0).repeat(8, 1)
        Image.fromarray(ids * 200).convert("RGB").save(tmp_path / f"images/{i}.png")
        Image.fromarray(ids).save(tmp_path / f"masks/{i}.png")
    words = f"finetune.py {tmp_path}/images {tmp_path}/masks soil crop --epochs 1 "
    words += f"--preset {tmp_path}/tiny --crop-size 32 --output {tmp_path}/mine"
    monkeypatch.setattr(sys, "argv", words.split())
    runpy.run_path(str(SCRIPT), run_name="__main__")
    model = models.load_model(tmp_path / "mine")
    assert model.class_names == ["soil", "crop"]
    assert model.segment(tmp_path / "images" / "0.png").shape == (32, 32)
