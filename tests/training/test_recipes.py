"""The recipes of the papers' results are read, and one starts and learns."""

import json
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image
from project_paths import ROOT
from run_settings import settings_of, train_with
from tiny_backbone import TinyBackbone

sys.path.insert(0, str(ROOT / "scripts"))

import try_recipe

import keras_seg
from keras_seg import presets
from keras_seg.training import RunError, RunFolder, list_recipes, make_optimizer
from keras_seg.training.build_backbone import set_drop_path
from keras_seg.training.build_model import build_model, compile_model
from keras_seg.training.fit import training_batches
from keras_seg.training.make_optimizer import CoupledSGD
from keras_seg.training.open_data import open_data

REAL_TIME = "ecenet_camvid_real_time"
# The others are those of the papers.
OURS = (REAL_TIME, "cpt_camvid", "cpt_camvid_espnetv2")
RECIPES = [name for name in list_recipes() if name not in OURS]
slow_to_start = pytest.mark.skipif(
    keras.config.backend() != "torch",
    reason="TensorFlow and JAX trace or compile models anew, 20 to 60 seconds; torch "
    "starts at once. Nothing here depends on the backend.",
)
CLASSES = {
    "ade20k": 150,
    "cityscapes": 19,
    "coco-stuff": 171,
    "pascal-context": 59,
}


def parse(*words):
    return settings_of([str(word) for word in words])


def read(recipe, *more):
    return parse("--recipe", recipe, "--data-dir", "data", "--output", "run", *more)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_says_all_that_the_paper_does(recipe):
    args = read(recipe)
    data = args.data.replace("-", "_")
    assert recipe.startswith(f"{args.model}_{data}")
    # The network is of the same data, backbone and crop.
    backbone = recipe.removeprefix(f"{args.model}_").removeprefix(data)
    assert args.architecture.startswith(data)
    assert backbone.removeprefix("_10k").strip("_") in args.architecture
    assert args.architecture.endswith(f"_{args.crop_size[0]}")
    assert args.crop_size[0] == args.crop_size[1]
    iterations = {"coco-stuff": 80_000, "pascal-context": 80_000}
    assert args.epochs * args.steps_per_epoch == iterations.get(args.data, 160_000)
    assert args.schedule == "poly" and not args.ema and not args.clip_norm
    assert tuple(args.scale_range) == (0.5, 2.0) and args.jaccard == 0
    assert not args.focus_classes
    assert args.batch_size == (8 if args.data == "cityscapes" else 16)
    optimizer = make_optimizer(args)
    assert optimizer.gradient_accumulation_steps is None
    rate = optimizer._learning_rate
    assert float(rate(80_000 if args.epochs == 160 else 40_000)) == pytest.approx(
        args.learning_rate * 0.5**0.9, rel=1e-4
    )


def test_recipe_of_a_real_time_network(monkeypatch):
    args = read(REAL_TIME, "--backbone-weights", "none.h5", "--rematerialize")
    assert (args.input_scale, args.fusion, args.mlp_ratio) == (1.25, "coarse", 2)
    backbone = TinyBackbone()
    name = "keras_seg.training.build_model.build_backbone"
    monkeypatch.setattr(name, lambda *args: (backbone, None))
    palette = np.zeros((11, 3), "uint8")
    names = [f"class {i}" for i in range(11)]
    train = SimpleNamespace(
        num_classes=11, class_names=names, palette=palette, ignore_class=255
    )
    model = build_model(args, train)
    assert model.head.fusion_kind == "coarse" and model.head.mlp_ratio == 2
    assert model.rematerialize
    with pytest.raises(RunError):
        read(REAL_TIME, "--model", "sgr")


@pytest.mark.parametrize(
    ("name", "backbone"),
    [("cpt_camvid", "MobileNetV2"), ("cpt_camvid_espnetv2", "ESPNetV2")],
)
def test_recipes_of_our_cpt(name, backbone):
    args = read(name)
    assert args.backbone == backbone
    assert (args.model, args.input_scale, args.split) == ("cpt", 1.25, "train+val")
    assert args.epochs * args.steps_per_epoch == 3000 and args.ema == 0.997


def test_there_are_recipes_and_options_after_them_win():
    assert len(RECIPES) == 8
    args = read(RECIPES[0], "--batch-size", 2, "--accumulate", 8)
    assert (
        args.batch_size == 2 and make_optimizer(args).gradient_accumulation_steps == 8
    )


@pytest.mark.skipif(
    not hasattr(presets, "describe_preset"), reason="no presets of the papers here"
)
@pytest.mark.parametrize("recipe", RECIPES)
def test_presets_of_the_recipes(recipe):
    args = read(recipe)
    facts = presets.describe_preset(f"{args.model}/{args.architecture}")
    assert facts["crop_size"] == list(args.crop_size)
    assert facts["num_classes"] == CLASSES[args.data]


@pytest.fixture(scope="module")
def ade20k(tmp_path_factory):
    """Two kinds of things in their colours, in the layout of ADE20K."""
    root = tmp_path_factory.mktemp("ade20k")
    random = np.random.default_rng(0)
    for part in ("training", "validation"):
        for kind in ("images", "annotations"):
            (root / kind / part).mkdir(parents=True)
        for i in range(3):
            ids = random.integers(0, 3, (5, 6)).repeat(8, axis=0).repeat(8, axis=1)
            image = np.stack([ids * 100, 255 - ids * 100, ids * 0], axis=-1)
            Image.fromarray(image.astype("uint8")).save(
                root / "images" / part / f"{i}.jpg"
            )
            Image.fromarray(ids.astype("uint8")).save(
                root / "annotations" / part / f"{i}.png"
            )
    return root


@pytest.fixture
def own_precision():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@slow_to_start
def test_starts_and_learns(ade20k, tmp_path, own_precision):
    keras_seg.CPT(TinyBackbone(2), num_classes=4, hidden_dim=8).save_to_preset(
        tmp_path / "tiny"
    )
    run = tmp_path / "run"
    options = (
        f"--recipe cpt_ade20k_resnet_101 --architecture {tmp_path / 'tiny'} "
        f"--data-dir {ade20k} --output {run} --crop-size 32 32 --batch-size 2 "
        "--epochs 3 --steps-per-epoch 2 --validate-every 4 --warmup-steps 0 "
        "--accumulate 2 --learning-rate 0.003 --precision mixed_bfloat16 --verbose 0"
    ).split()
    train_with(options)
    lines = [json.loads(x) for x in (run / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["loss"] < lines[0]["loss"]
    results = json.loads((run / "results.json").read_text())
    assert (
        results["val"]["images"] == 3 and results["arguments"]["architecture"] == "tiny"
    )
    assert str(tmp_path) not in json.dumps(results)
    model = keras_seg.CPT.from_preset(run / "preset")
    assert model.num_classes == 150 and model.class_names[2] == "sky"
    # More epochs would need --resume, and begin where these ended.
    args = settings_of(options)
    again = build_model(args, open_data(args)[0])
    compile_model(args, again)
    assert RunFolder(run, 2, note={}).restore(again) == 3


@slow_to_start
def test_a_recipe_is_tried(ade20k, tmp_path, own_precision, capsys):
    keras_seg.CPT(TinyBackbone(2), num_classes=4, hidden_dim=8).save_to_preset(
        tmp_path / "tiny"
    )
    words = f"--recipe cpt_ade20k_resnet_101 --architecture {tmp_path / 'tiny'} "
    words += f"--data-dir {ade20k} "
    words += f"--output {tmp_path / 'run'} --max-images 2 --crop-size 32 32 --epochs 2 "
    words += "--steps-per-epoch 2 --learning-rate 0.003 --layer-decay 0.8 --verbose 0"
    status = try_recipe.main(words.split())
    tried = json.loads((tmp_path / "run" / "tried.json").read_text())
    first, last = tried["loss"]
    before, after = tried["mean_iou"]
    assert tried["learns"] == (last < first and after > before) == (status == 0)
    assert tried["arguments"]["head_multiplier"] == 10  # from the recipe
    assert tried["steps"] == 4 and "4 steps on 2 images" in capsys.readouterr().out
    # What is finished is measured again, not trained.
    assert try_recipe.main([*words.split(), "--resume"]) == status
    again = json.loads((tmp_path / "run" / "tried.json").read_text())
    assert again["mean_iou"] == tried["mean_iou"] and again["loss"] == tried["loss"]


def options_of_optimizer(**changes):
    words = "--data-dir x --output y --backbone MobileNetV2 --schedule poly"
    args = settings_of(words)
    vars(args).update(epochs=5, steps_per_epoch=4, **changes)
    return args


def test_accumulated_gradients_are_those_of_the_large_batch():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 4, 3)), random.normal(size=(20, 4, 1))
    weights = []
    for accumulate in (1, 2):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.set_weights([np.ones((3, 1)), np.zeros(1)])
        changes = {"learning_rate": 0.01, "warmup_steps": 0, "ema": 0}
        args = options_of_optimizer(accumulate=accumulate, **changes)
        optimizer = make_optimizer(args)
        model.compile(optimizer, "mse")
        for step in range(20):
            for part in np.split(np.arange(4), accumulate):
                model.train_on_batch(x[step, part], y[step, part])
        assert int(optimizer.iterations) == 20
        weights.append(model.get_weights()[0])
    # The rate decays from batch to batch, and so is not quite the same.
    np.testing.assert_allclose(weights[1], weights[0], atol=0.01)
    assert np.abs(weights[0] - 1).max() > 0.05


def test_schedules():
    for accumulate in (1, 3):
        args = options_of_optimizer(accumulate=accumulate, warmup_steps=4)
        rate = make_optimizer(args)._learning_rate
        peak = args.learning_rate
        assert float(rate(accumulate - 1)) == pytest.approx(peak * 0.25, rel=0.1)
        assert float(rate(10 * accumulate)) == pytest.approx(peak * 0.5**0.9, rel=1e-4)
        assert float(rate(20 * accumulate)) == pytest.approx(0, abs=1e-9)
    args = options_of_optimizer(schedule="cosine", warmup_steps=None)
    assert float(make_optimizer(args)._learning_rate(2)) == pytest.approx(
        args.learning_rate
    )


def test_decay_of_sgd_is_part_of_the_momentum():
    variables = [
        keras.Variable(np.ones(2, "float32"), name=name) for name in ("kernel", "bias")
    ]
    optimizer = CoupledSGD(0.1, coupled_decay=0.5, momentum=0.9)
    optimizer.build(variables)
    kernel, bias, kernel_speed, bias_speed = 1.0, 1.0, 0.0, 0.0
    for _ in range(3):
        gradients = [keras.ops.full((2,), 0.2), keras.ops.full((2,), 0.2)]
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        kernel_speed = 0.9 * kernel_speed - 0.1 * (0.2 + 0.5 * kernel)
        bias_speed = 0.9 * bias_speed - 0.1 * 0.2
        kernel, bias = kernel + kernel_speed, bias + bias_speed
    actual = [keras.ops.convert_to_numpy(variable)[0] for variable in variables]
    np.testing.assert_allclose(actual, [kernel, bias], rtol=1e-5)


@keras.saving.register_keras_serializable(package="keras_seg_tests")
class DroppingBackbone(TinyBackbone):
    """Has a rate in its config, and nothing to drop."""

    def __init__(self, drop_path_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate

    def get_config(self):
        return {**super().get_config(), "drop_path_rate": self.drop_path_rate}


def test_drop_path():
    backbone = DroppingBackbone(num_levels=2, width=4)
    changed = set_drop_path(backbone, 0.4)
    assert (changed.drop_path_rate, backbone.drop_path_rate) == (0.4, 0.1)
    for a, b in zip(changed.get_weights(), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="no paths to drop"):
        set_drop_path(TinyBackbone(2), 0.4)


@slow_to_start
def test_drop_path_of_a_preset(ade20k, tmp_path):
    backbone = DroppingBackbone(num_levels=2, width=4)
    model = keras_seg.CPT(backbone, num_classes=4, hidden_dim=8)
    model.save_to_preset(tmp_path / "tiny")
    args = parse(
        *f"--model cpt --architecture {tmp_path / 'tiny'} --drop-path 0.3 "
        f"--data ade20k --data-dir {ade20k} --output y".split()
    )
    model = build_model(args, open_data(args)[0])
    assert model.backbone.drop_path_rate == 0.3 and model.num_classes == 150
    assert model.class_names[2] == "sky" and model.head.hidden_dim == 8


def test_what_the_settings_refuse():
    for words, message in (
        (["--optimizer", "sgd"], "--head-multiplier 1"),
        (["--accumulate", 0], "--accumulate must"),
        (["--data", "ade20k"], "--data ade20k needs --data-dir"),
        (["--architecture", "a", "--hidden-dim", 8], "leave out --hidden-dim"),
        (["--layer-decay", 0], "--layer-decay must"),
        (["--model", "cpt", "--diversity-weight", 0], "needs --model ecenet"),
        (
            "--paste-probability 0.5 --focus-classes".split(),
            "--paste-probability needs --focus-classes",
        ),
        (
            "--optimizer sgd --head-multiplier 1 --layer-decay 0.9".split(),
            "leave out --layer-decay",
        ),
    ):
        folder = [] if "ade20k" in words else ["--data-dir", "x"]
        with pytest.raises(RunError, match=message):
            parse("--output", "y", *folder, *words)


def test_the_diversity_loss_can_be_weighted():
    words = "--backbone MobileNetV2 --hidden-dim 8 --diversity-weight 0".split()
    args = parse("--output", "y", "--data-dir", "x", *words)
    source = SimpleNamespace(
        num_classes=2, class_names=["a", "b"], palette=np.eye(2, 3), ignore_class=255
    )
    weights = build_model(args, source).auxiliary_weights
    assert weights == {"mask": 5.0, "dice": 2.0, "diversity": 0.0}


def test_augmentation_of_the_settings_reaches_the_batches():
    words = "--rotation 10 --gamma 1.5 --blur 0.2 --paste-probability 0.3".split()
    args = parse("--output", "y", "--data-dir", "x", *words)
    args.crop_size, args.batch_size, args.steps_per_epoch = [8, 8], 1, 1
    pair = np.zeros((9, 9, 3), "uint8"), np.zeros((9, 9), "uint8")
    dataset = training_batches(args, [pair])
    augmentation = dataset.augmentation
    assert augmentation.rotation == 10 and augmentation.focus_probability == 0.3
    assert (augmentation.photometric.gamma, augmentation.photometric.blur) == (1.5, 0.2)
    assert dataset.paste_classes == (2, 6, 7, 9, 10)
    assert dataset.paste_probability == 0.3
    assert dataset[0][0].shape == (1, 8, 8, 3)


def test_only_camvid_has_a_test_split(ade20k):
    args = parse("--data", "ade20k", "--data-dir", ade20k, "--output", "y")
    source, held_out = open_data(args)
    assert source.num_classes == 150 and list(held_out) == ["val"]
    assert isinstance(held_out["val"], keras_seg.data.ADE20K)
    assert args.focus_classes == []
