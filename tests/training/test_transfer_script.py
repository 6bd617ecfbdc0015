"""`scripts/transfer.py` compares two networks on a task that is new to both."""

import json
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from project_paths import ROOT
from run_settings import settings_of
from tiny_backbone import TinyBackbone

sys.path.insert(0, str(ROOT / "scripts"))

import transfer

import keras_seg
from keras_seg.data import SubsetSource
from keras_seg.training import RunError, freeze_features

slow_to_start = pytest.mark.skipif(
    keras.config.backend() != "torch",
    reason="TensorFlow and JAX trace or compile each training anew; torch starts at "
    "once. Nothing here depends on the backend.",
)


def make_model(reasoner, **kwargs):
    if reasoner:
        reasoner = {"num_regions": 5, "depth": 0}
    kwargs = {"hidden_dim": 8, "dilation_rates": [1], **kwargs}
    return keras_seg.SGR(TinyBackbone(2), 4, reasoner=reasoner, **kwargs)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two networks that know four classes, and photos with three others."""
    root = tmp_path_factory.mktemp("transfer")
    for name in ("reasoner", "plain"):
        make_model(name == "reasoner").save_to_preset(root / name)
    random = np.random.default_rng(0)
    for name in ("images", "masks"):
        (root / name).mkdir()
    for i in range(4):
        ids = random.integers(0, 3, (4, 4)).repeat(8, axis=0).repeat(8, axis=1)
        image = np.stack([ids * 80, 255 - ids * 80, ids * 0], axis=-1)
        Image.fromarray(image.astype("uint8")).save(root / "images" / f"{i}.png")
        Image.fromarray(ids.astype("uint8")).save(root / "masks" / f"{i}.png")
    return root


def words(root, output, *more):
    where = f"--images {root}/images --masks {root}/masks"
    text = f"--preset {root}/reasoner --against {root}/plain --output {output} "
    text += f"-- --data folder {where} {where.replace('--', '--val-')} --num-classes 3 "
    text += "--class-names a b c --epochs 1 --steps-per-epoch 1 --batch-size 2 "
    text += "--crop-size 32 32 --scale-range 1 1 --workers 1 --verbose 0"
    return [*more, *text.split()]


def test_compares_two_networks(root, tmp_path, monkeypatch, capsys):
    """Whole networks, one seed."""
    transfer.main(words(root, tmp_path, "--seeds", "1", "--max-images", "2"))
    results = json.loads((tmp_path / "results.json").read_text())
    first, second = (results["runs"][name][0] for name in ("reasoner", "without"))
    assert first["seed"] == second["seed"] == 1
    assert "regions" in first["val"] and "regions" not in second["val"]
    assert first["weights"] == "last.weights.h5"
    gain = first["val"]["mean_iou"] - second["val"]["mean_iou"]
    assert results["summary"]["mean_iou"]["gain"] == {
        "mean": pytest.approx(gain),
        "spread": None,
    }
    table = (tmp_path / "table.md").read_text()
    assert f"{100 * gain:+.1f} |" in table
    assert "- differences: the reasoner alone\n" in table
    for key in ("commit", "backend", "keras", "hardware", "hours"):
        assert f"- {key}: {results[key]}\n" in table
    assert str(tmp_path) not in json.dumps(results) + table
    model = keras_seg.SGR.from_preset(tmp_path / "reasoner-seed1" / "preset")
    assert model.class_names == ["a", "b", "c"] and model.input_scale == 1.0

    # All is there, so nothing is trained again, and nothing else counts as that.
    monkeypatch.setattr(sys.modules["keras_seg.training.train"], "build_model", None)
    transfer.main(words(root, tmp_path, "--seeds", "1", "--max-images", "2"))
    with pytest.raises(RunError, match="--max-images 2 then, 3 now"):
        transfer.main(words(root, tmp_path, "--seeds", "1", "--max-images", "3"))


@slow_to_start
def test_frozen_features_do_not_change(root, tmp_path):
    transfer.main(words(root, tmp_path, "--freeze", "--seeds", "0", "1"))
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["trained"] == "the classifier alone"
    gains = [
        a["val"]["mean_iou"] - b["val"]["mean_iou"]
        for a, b in zip(*results["runs"].values(), strict=True)
    ]
    gain = results["summary"]["mean_iou"]["gain"]
    assert gain["mean"] == pytest.approx(np.mean(gains))
    assert gain["spread"] == pytest.approx(np.std(gains, ddof=1))
    before = keras_seg.SGR.from_preset(root / "reasoner")
    after = keras_seg.SGR.from_preset(tmp_path / "reasoner-seed0" / "preset")
    compared = 0
    for a, b in zip(before.weights, after.weights, strict=True):
        if "classifier" not in a.path.replace("region_classifier", ""):
            np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (a, b)))
            compared += 1
    assert compared > 20


@pytest.mark.parametrize("model_class", [keras_seg.SGR, keras_seg.CPT])
def test_what_is_left_to_train(model_class):
    model = model_class(TinyBackbone(2), 4, hidden_dim=8, reasoner={"num_regions": 5})
    freeze_features(model)
    left = [v for layer in model.head.class_layers for v in layer.trainable_variables]
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in left}
    assert any("classifier" in v.path for v in left)


@slow_to_start
def test_networks_that_cannot_be_compared(root, tmp_path):
    with pytest.raises(SystemExit, match="plain without a reasoner"):
        transfer.check_networks(root / "plain", root / "plain")
    assert transfer.check_networks(root / "reasoner", root / "plain") == []
    make_model(False, hidden_dim=16).save_to_preset(tmp_path / "wide")
    assert transfer.check_networks(root / "reasoner", tmp_path / "wide") == [
        "hidden_dim is 8 and 16"
    ]


def test_few_images():
    source = [(i, i) for i in range(9)]
    few = SubsetSource(source, 4, seed=1)
    assert len(few) == 4 and len({few[i] for i in range(4)}) == 4
    assert [few[i] for i in range(4)] == [
        SubsetSource(source, 4, seed=1)[i] for i in range(4)
    ]
    drawn = {
        tuple(SubsetSource(source, 4, seed)[i] for i in range(4)) for seed in range(5)
    }
    assert len(drawn) > 1
    for number in (0, 10):
        with pytest.raises(ValueError, match="1..9"):
            SubsetSource(source, number)


def test_a_preset_brings_its_network(root):
    begin = f"--data-dir x --output y --preset {root}/plain".split()
    args = settings_of(begin)
    assert args.backbone is args.hidden_dim is args.input_scale is None
    with pytest.raises(RunError, match="leave out --hidden-dim"):
        settings_of([*begin, "--hidden-dim", "32"])
    with pytest.raises(RunError, match="--freeze needs --preset"):
        settings_of("--data-dir x --output y --freeze --backbone MobileNetV2")
