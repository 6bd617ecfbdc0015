"""A run trains, can be killed, and keeps the weights that were measured."""

import functools
import json
import shutil

import h5py
import keras
import keras_hub
import numpy as np
import pytest
from PIL import Image
from run_settings import settings_of, train_with

import keras_seg
from keras_seg.data import CamVid
from keras_seg.inference import region_report
from keras_seg.training import (
    RunError,
    RunFolder,
    build_backbone,
)
from keras_seg.training.build_model import MODELS, build_model, compile_model
from keras_seg.training.open_data import open_data
from keras_seg.training.report import evaluate

slow_to_start = pytest.mark.skipif(
    keras.config.backend() != "torch",
    reason="TensorFlow and JAX trace or compile the training step anew in each run, "
    "20 to 60 seconds; torch starts at once. Nothing here depends on the backend.",
)


@pytest.fixture(scope="module")
def camvid(tmp_path_factory):
    root = tmp_path_factory.mktemp("camvid")
    random = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for i in range(3):
            ids = random.integers(0, 12, (5, 7)).repeat(8, axis=0).repeat(8, axis=1)
            image = np.stack([ids * 20, 255 - ids * 20, ids * 0], axis=-1)
            Image.fromarray(image.astype("uint8")).save(
                root / "images" / split / f"{i}.jpg"
            )
            Image.fromarray(ids.astype("uint8")).save(
                root / "labels" / split / f"{i}.png"
            )
    return root


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A saved preset of keras-hub, as small as a ResNet gets."""
    path = tmp_path_factory.mktemp("backbone") / "preset"
    keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 8, 8, 8],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
    ).save_to_preset(path)
    keras_hub.layers.ResNetImageConverter(
        image_size=(224, 224), scale=[0.01, 0.02, 0.03], offset=[-1.0, -2.0, -3.0]
    ).save_to_preset(path)
    return path


@pytest.fixture(scope="module")
def run(camvid, backbone):
    """Runs the script with tiny settings and returns what it wrote."""

    def run(output, *more):
        train_with(
            f"--data-dir {camvid} --backbone {backbone} --output {output} --epochs 3 "
            "--steps-per-epoch 2 --batch-size 2 --hidden-dim 8 --input-scale 1 "
            "--crop-size 32 32 --learning-rate 0.003 --ema 0.5 --validate-every 2 "
            "--verbose 0 --no-test".split()
            + list(more)
        )
        return read(output)

    with pytest.MonkeyPatch.context() as patch:
        # Keras's weights files lack the state of random layers, so that a resumed run
        # would have other dropout.
        model = functools.partial(MODELS["ecenet"], dropout=0.0)
        patch.setitem(MODELS, "ecenet", model)
        yield run


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole")
    run(path)
    return path


@pytest.fixture(scope="module")
def killed(run, tmp_path_factory):
    """A run that was stopped in the middle of epoch 2, at its fourth batch."""
    path = tmp_path_factory.mktemp("killed")
    run_until(run, path, "on_train_batch_end", call=4)
    return path


@pytest.fixture(scope="module")
def load(camvid, backbone):
    """Loads a weights file of a run into the model that the script builds."""
    args = settings_of(
        f"--data-dir {camvid} --backbone {backbone} --hidden-dim 8 --input-scale 1 "
        "--output unused".split()
    )
    model = build_model(args, open_data(args)[0])
    compile_model(args, model)
    model.optimizer.build(model.trainable_variables)

    def load(path):
        model.load_weights(path)
        return model

    return load


@slow_to_start
def test_best_and_last_weights_are_the_averages_that_were_measured(
    run, whole, load, camvid
):
    history, results = read(whole)
    assert [line["epoch"] for line in history] == [1, 2, 3]
    # Every second epoch and the last one are validated; the first is not, and so must
    # not count as the best.
    assert ["val_mean_iou" in line for line in history] == [False, True, True]
    best = max(history[1:], key=lambda line: line["val_mean_iou"])
    assert results["best_epoch"] == best["epoch"]
    assert results["weights"] == "best.weights.h5"
    assert results["val"]["mean_iou"] == pytest.approx(best["val_mean_iou"], abs=1e-6)
    for name, line in (("best", best), ("last", history[-1])):
        model = load(whole / f"{name}.weights.h5")
        result, _ = evaluate(model, CamVid(camvid, "val"), "val")
        assert result["mean_iou"] == pytest.approx(line["val_mean_iou"], abs=1e-6)
    assert "test" not in results
    assert str(camvid.parent) not in json.dumps(results)
    assert (whole / "preset" / "config.json").exists()
    with pytest.raises(RunError, match="--resume"):
        run(whole)


@slow_to_start
def test_the_trained_model_is_measured_at_other_scales(run, whole, camvid, tmp_path):
    path = tmp_path / "finished"
    shutil.copytree(whole, path)
    _, results = run(path, "--resume", "--final-scale", "2")
    model = keras_seg.ECENet.from_preset(path / "preset")
    assert model.input_scale == 2
    expected, _ = evaluate(model, CamVid(camvid, "val"), "val")
    assert results["val"]["mean_iou"] == pytest.approx(expected["mean_iou"], abs=1e-6)

    _, results = run(tmp_path / "chosen", "--val-scales", "1", "2")
    scores = results["val_by_scale"]
    assert scores["2.0"] == pytest.approx(expected["mean_iou"], abs=1e-6)
    assert results["val"]["mean_iou"] == max(scores.values())
    model = keras_seg.ECENet.from_preset(tmp_path / "chosen" / "preset")
    assert scores[str(model.input_scale)] == max(scores.values())


@slow_to_start
def test_the_backup_has_the_raw_weights_and_the_averages(killed, load):
    last = arrays(load(killed / "last.weights.h5"))
    model = load(killed / "backup" / "latest.weights.h5")
    assert any((a != b).any() for a, b in zip(arrays(model), last, strict=True))
    model.optimizer.finalize_variable_values(model.trainable_variables)
    for actual, expected in zip(last, arrays(model), strict=True):
        np.testing.assert_array_equal(actual, expected)


@slow_to_start
def test_a_run_that_was_killed_twice_ends_like_a_whole_one(
    run, whole, killed, load, tmp_path
):
    path = tmp_path / "killed"
    shutil.copytree(killed, path)
    # Here the history and the best weights of epoch 2 are written, not its backup.
    run_until(run, path, "on_epoch_begin", 2, "--resume")
    assert len((path / "history.jsonl").read_text().splitlines()) == 2
    history, results = run(path, "--resume")
    expected_history, expected_results = read(whole)
    for line in [*history, *expected_history]:
        line.pop("seconds")
    assert history == expected_history
    assert results["val"] == expected_results["val"]
    for name in ("best.weights.h5", "last.weights.h5", "backup/latest.weights.h5"):
        expected = arrays(load(whole / name))
        for a, b in zip(arrays(load(path / name)), expected, strict=True):
            np.testing.assert_array_equal(a, b)


@slow_to_start
def test_a_resume_with_other_steps_is_refused_and_loses_nothing(run, whole):
    before = (whole / "history.jsonl").read_text()
    with pytest.raises(RunError, match="--steps-per-epoch"):
        run(whole, "--resume", "--steps-per-epoch", "3")
    with pytest.raises(RunError, match="--learning-rate 0.003 then, 0.3 now"):
        run(whole, "--resume", "--learning-rate", "0.3")
    assert (whole / "history.jsonl").read_text() == before


@slow_to_start
def test_sgr_and_its_plain_rival(run, camvid, tmp_path):
    options = "--model sgr --epochs 1 --region-weight 0.5".split()
    history, results = run(tmp_path / "sgr", *options, "--regions", "5")
    assert history[0]["region_loss"] > 0 and 0 < results["val"]["mean_iou"] < 1
    model = keras_seg.SGR.from_preset(tmp_path / "sgr" / "preset")
    assert model.head.reasoner.num_regions == 5
    assert model.auxiliary_weights["region"] == 0.5
    report = region_report(model, CamVid(camvid, "val"))
    assert results["val"]["regions"] == pytest.approx(report, abs=1e-6)
    assert set(results["regions_before"]) == set(report)
    history, results = run(tmp_path / "plain", *options, "--regions", "0")
    assert "region_loss" not in history[0]
    assert "regions_before" not in results and "regions" not in results["val"]


def test_a_dilated_backbone_has_one_level():
    backbone, _ = build_backbone("MobileNetV2", output_stride=8)
    assert list(backbone.pyramid_outputs) == ["P3"]
    assert backbone.pyramid_outputs["P3"].shape[-1] == 320
    with pytest.raises(ValueError, match="keras.applications"):
        build_backbone("resnet_50_imagenet", output_stride=8)


def test_a_backbone_may_come_from_a_trained_preset(tmp_path):
    trained, _ = build_backbone("MobileNetV2")
    model = keras_seg.ECENet(trained, num_classes=2, hidden_dim=8, compile=False)
    model.save_to_preset(tmp_path)
    dilated, _ = build_backbone("MobileNetV2", str(tmp_path), output_stride=16)
    for weight, other in zip(dilated.weights, trained.weights, strict=True):
        assert weight.path == other.path
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (weight, other)))


def test_only_a_better_validation_replaces_the_best_weights(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)

    def play(run, first, scores):
        run.set_model(model)
        for epoch, score in enumerate(scores, first):
            run.on_epoch_begin(epoch)
            model.set_weights([np.full((1, 1), epoch + 1), np.zeros(1)])
            model.optimizer.iterations.assign(epoch + 1)
            run.on_epoch_end(epoch, {"loss": 1.0, **score})
        run.on_train_end()
        model.load_weights(tmp_path / "best.weights.h5")
        return float(model.get_weights()[0][0, 0])

    def score(value):
        return {"val_mean_iou": value}

    run = RunFolder(tmp_path, 1, note={})
    assert play(run, 0, [{}, score(0.3), {}, score(0.5), score(0.4), {}]) == 4
    resumed = RunFolder(tmp_path, 1, note={})
    assert resumed.restore(model) == 6
    with h5py.File(tmp_path / "backup" / "latest.weights.h5", "a") as file:
        del file.attrs["epochs"]  # as older versions wrote it
    (tmp_path / "hashes.json").unlink()
    assert resumed.restore(model) == 6
    assert play(resumed, 6, [{}, score(0.45)]) == 4
    assert play(resumed, 8, [score(0.6)]) == 9
    assert resumed.best["epoch"] == 9
    with pytest.raises(RunError, match="--learning-rate"):
        resumed.on_train_batch_end(0, {"loss": float("nan")})


def test_a_folder_of_own_data_is_checked_first(camvid, tmp_path):
    images, masks = camvid / "images" / "train", camvid / "labels" / "train"
    arguments = f"--data folder --images {images} --masks {masks} --output {tmp_path}"
    with pytest.raises(RunError, match="have errors"):
        train_with([*arguments.split(), "--num-classes", "5"])
    args = settings_of([*arguments.split(), "--num-classes", "11", "--void-ids", "11"])
    source, held_out = open_data(args)
    assert (len(source), held_out) == (3, {})
    assert args.focus_classes == []


def test_a_preset_of_keras_hub_brings_its_scaling(backbone):
    image = np.array([[[[0, 100, 200]]]], "float32")
    _, layer = build_backbone(str(backbone))
    np.testing.assert_allclose(layer(image), [[[[-1, 0, 3]]]], atol=1e-5)


@slow_to_start
def test_trains_cpt_and_continues_with_its_memory(run, tmp_path):
    arguments = ["--model", "cpt", "--source", "memory"]
    run_until(run, tmp_path, "on_train_batch_end", 4, *arguments)
    _, results = run(tmp_path, "--resume", *arguments)
    assert results["arguments"]["source"] == "memory"
    model = keras_seg.CPT.from_preset(tmp_path / "preset")
    # Two steps an epoch: what the interrupted epoch had done was taken back.
    assert int(model.head.updates[0].memory.step) == 2 * results["best_epoch"]


def test_a_memory_from_a_file_that_slows_down(camvid, backbone, tmp_path):
    memory = np.random.default_rng(0).normal(size=(11, 8))
    np.save(tmp_path / "memory.npy", memory)
    words = f"--data-dir {camvid} --backbone {backbone} --output unused --model cpt "
    words += f"--hidden-dim 8 --initial-memory {tmp_path}/memory.npy --epochs 3 "
    words += "--steps-per-epoch 7 --memory-momentum 0.1 0.009 --pyramid-levels P5"
    args = settings_of(words.split())
    model = build_model(args, open_data(args)[0])
    assert model.pyramid_levels == ["P5"]
    vectors = memory / np.linalg.norm(memory, axis=1, keepdims=True)
    np.testing.assert_allclose(model.prototypes()[1], vectors, atol=1e-6)
    momentum = model.head.updates[0].memory.momentum
    assert [float(momentum(step)) for step in (0, 21)] == pytest.approx([0.1, 0.009])


@pytest.mark.parametrize(
    "words", ["--source pixels", "--memory-momentum 0.1", "--initial-memory x.npy"]
)
def test_some_arguments_are_for_cpt(words):
    settings_of(f"--data-dir x --output y --model cpt {words}".split())
    with pytest.raises(RunError, match="--model cpt"):
        settings_of(f"--data-dir x --output y {words} --backbone MobileNetV2")


def run_until(run, path, method, call, *more):
    """Stops a run when a callback's method is called that often."""
    original, calls = getattr(RunFolder, method), []

    def stop(self, index, logs=None):
        calls.append(index)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(self, index, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, method, stop)
        with pytest.raises(KeyboardInterrupt):
            run(path, *more)


def read(path):
    history = (path / "history.jsonl").read_text().splitlines()
    results = json.loads((path / "results.json").read_text())
    return [json.loads(line) for line in history], results


def arrays(model):
    return [keras.ops.convert_to_numpy(v) for v in model.variables]
