"""`keras-seg distill` labels and trains; `keras-seg calibrate` calibrates."""

import json
import shutil
import sys

import keras
import keras_hub
import numpy as np
import pytest
from PIL import Image
from tiny_ecenet import tiny_ecenet

import keras_seg_runtime
from keras_seg import data, models
from keras_seg.layers.scatter_classes import ABSENT_LOGIT
from keras_seg.training import RunError, calibrate, distill
from keras_seg.training.distill import load_teacher, rare_classes
from keras_seg.training.settings import resolve_settings
from keras_seg_cli.main import main

VOID = 255
TEACHER = """
import numpy as np
def by_brightness(images):
    bright = images.mean(axis=-1) / 255
    return np.stack([1 - bright, bright, 0 * bright], axis=-1)
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Photos that are dark on the left and bright on the right, with their masks."""
    root = tmp_path_factory.mktemp("scenes")
    random = np.random.default_rng(0)
    for name in ("photos", "masks", "scores"):
        (root / name).mkdir()
    for i in range(4):
        ids = np.zeros((32, 40), "uint8")
        ids[:, 20:] = 1
        image = ids[..., None] * 235 + random.integers(0, 20, (32, 40, 3))
        Image.fromarray(image.astype("uint8")).save(root / "photos" / f"{i}.png")
        ids[:4] = VOID
        Image.fromarray(ids).save(root / "masks" / f"{i}.png")
        scores = np.full((8, 10, 3), 0.1, "float32")
        scores[:, :5, 0] = scores[:, 5:, 2] = 0.8
        np.save(root / "scores" / f"{i}.npy", scores)
    (root / "teacher.py").write_text(TEACHER)
    return root


@pytest.fixture
def trained_with(monkeypatch):
    """The settings that training is called with."""
    calls = []
    monkeypatch.setattr(
        sys.modules["keras_seg.training.distill"],
        "train_from_settings",
        lambda given, resume: calls.append(resolve_settings(given)),
    )
    return calls


def masks_in(folder):
    return [data.read_mask(path) for path in sorted(folder.rglob("*.png"))]


def test_masks_are_trained_on_as_they_are(folders, trained_with):
    words = f"--images {folders}/photos --masks {folders}/masks --num-classes 3"
    words += " --output run --repeat-rare 0.3"
    assert main(["distill", *words.split()]) == 0
    args = trained_with[0]
    assert args.data == "folder" and args.masks == f"{folders}/masks"
    assert args.repeat_rare == 0.3  # what the user says comes after the recipe
    assert args.focus_probability == 0.5 and args.num_classes == 3
    assert list(args.focus_classes) == []  # both classes are common


@pytest.fixture
def masks_from_one(folders, tmp_path):
    """The masks with 0 and 9 for void, and 1 for the first class."""
    for path in sorted((folders / "masks").iterdir()):
        ids = np.asarray(Image.open(path)).copy()
        ids[:2][ids[:2] == VOID] = 8
        Image.fromarray(ids + 1).save(tmp_path / path.name)
    return tmp_path


def test_ids_that_begin_with_one(folders, trained_with, masks_from_one):
    words = f"--images {folders}/photos --masks {masks_from_one} --num-classes 3"
    words += " --output run --first-id 1 --void-ids 9"
    assert main(["distill", *words.split()]) == 0
    assert trained_with[0].first_id == 1 and trained_with[0].void_ids == [9]


def test_calibration_with_ids_that_begin_with_one(
    folders, masks_from_one, tmp_path, monkeypatch
):
    module, shown = sys.modules["keras_seg.training.calibrate"], []
    monkeypatch.setattr(module, "load_model", lambda name: Brightness())

    def stop(model, source):
        shown.extend(label for _, label in source)
        raise ValueError("enough")

    monkeypatch.setattr(module, "calibrate", stop)
    words = f"calibrate --preset any --images {folders}/photos --masks {masks_from_one}"
    words += f" --output {tmp_path}/out --first-id 1 --void-ids 9"
    assert main(words.split()) == 2
    expected = masks_in(folders / "masks")
    np.testing.assert_array_equal(shown, expected)


def test_calibration_replaces_no_preset(tmp_path, monkeypatch, capsys):
    calls = []

    def calibrate_preset(preset, images, masks, output):
        calls.append(output)
        return {}

    monkeypatch.setattr("keras_seg.training.calibrate_preset", calibrate_preset)
    words = f"calibrate --preset any --images x --masks y --output {tmp_path}".split()
    assert main(words) == 2 and not calls
    assert f"{tmp_path} exists, pass --overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    assert main([*words[:-1], f"{tmp_path}/new"]) == 0
    assert calls == [str(tmp_path), f"{tmp_path}/new"]


def test_a_function_in_a_file_labels(folders, trained_with, tmp_path):
    words = f"--images {folders}/photos --teacher {folders}/teacher.py:by_brightness"
    words += f" --labels {tmp_path}/labels --num-classes 3 --output run"
    assert main(["distill", *words.split()]) == 0
    masks = masks_in(tmp_path / "labels")
    assert len(masks) == 4
    for mask in masks:
        assert (mask[:, :20] == 0).all() and (mask[:, 20:] == 1).all()
    assert trained_with[0].masks == f"{tmp_path}/labels"


def test_scores_label(folders, trained_with, tmp_path, capsys):
    words = f"--images {folders}/photos --scores {folders}/scores --num-classes 3"
    words += " --output run --labels"
    assert main(["distill", *words.split(), f"{tmp_path}/labels"]) == 0
    for mask in masks_in(tmp_path / "labels"):
        # Between the halves the scores fade, and there the teacher is not sure.
        assert (mask[:, :18] == 0).all() and (mask[:, 22:] == 2).all()
        assert (mask[:, 20] == VOID).all()
    missing = folders / "photos" / "9.png"
    Image.new("RGB", (4, 4)).save(missing)
    assert main(["distill", *words.split(), f"{tmp_path}/2"]) == 2
    assert "9.npy does not exist" in capsys.readouterr().err
    missing.unlink()


def test_masks_of_another_teacher_are_not_kept(folders, trained_with, tmp_path, capsys):
    labels = tmp_path / "labels"
    words = f"distill --images {folders}/photos --labels {labels} --num-classes 3"
    words = [*words.split(), "--output", "run"]
    teacher = ["--teacher", f"{folders}/teacher.py:by_brightness"]
    assert main([*words, *teacher]) == 0
    record = json.loads((labels / "made_with.json").read_text())
    assert record["threshold"] == 0.7 and record["teacher"] == teacher[1]
    assert record["scores"] is None and record["teacher_size"] is None
    assert "already" not in capsys.readouterr().out
    (labels / "0.png").unlink()
    assert main([*words, *teacher]) == 0
    assert f"3 of 4 photos have their mask in {labels}" in capsys.readouterr().out
    others = {
        "threshold 0.7, now it is 0.9": [*teacher, "--threshold", "0.9"],
        "teacher_size None, now it is [8, 8]": [*teacher, "--teacher-size", "8", "8"],
        "teacher.py:by_brightness, now it is x": ["--teacher", "x"],
        "scores None, now it is": ["--scores", f"{folders}/scores"],
    }
    for message, options in others.items():
        assert main([*words, *options]) == 2
        error = capsys.readouterr().err
        assert message in error and "Name another folder" in error
    (labels / "made_with.json").write_text("{")
    assert main([*words, *teacher]) == 2
    assert "made_with.json cannot be read" in capsys.readouterr().err
    (labels / "made_with.json").unlink()
    assert main([*words, *teacher]) == 2
    assert "holds masks and no made_with.json" in capsys.readouterr().err
    assert len(trained_with) == 2


@pytest.mark.parametrize("kind", ["teacher", "scores"])
def test_photos_in_folders_of_folders(kind, folders, trained_with, tmp_path):
    days = [tmp_path / "photos" / "day1", tmp_path / "photos" / "day2"]
    for day in days:
        shutil.copytree(folders / "photos", day)
        shutil.copytree(folders / "scores", tmp_path / "scores" / day.name)
    options = {"teacher": f"{folders}/teacher.py:by_brightness"}
    if kind == "scores":
        options = {"scores": tmp_path / "scores"}
    labels = tmp_path / "photos" / "labels"  # beside the photos, and none of them
    for _ in range(2):
        distill(
            tmp_path / "photos", labels=labels, num_classes=3, output="run", **options
        )
    found = sorted(str(path.relative_to(labels)) for path in labels.rglob("*.png"))
    assert found == [f"{day.name}/{i}.png" for day in days for i in range(4)]


def test_a_preset_labels(folders, trained_with, tmp_path):
    model = tiny_ecenet()
    model.save_to_preset(tmp_path / "teacher")
    words = f"--images {folders}/photos --teacher {tmp_path}/teacher --num-classes 3"
    words += f" --labels {tmp_path}/labels --output run --threshold 0"
    assert main(["distill", *words.split()]) == 0
    mask = data.read_mask(tmp_path / "labels" / "0.png")
    same = mask == model.segment(folders / "photos" / "0.png")
    assert same.mean() > 0.99


class Brightness:
    """Stands for a model: a pixel is of class 1 if it is brighter than its window."""

    num_classes, ignore_class, long_side = 2, VOID, 48

    def __init__(self):
        self.shapes = []

    def predict_on_batch(self, images):
        self.shapes.append(images.shape[1:3])
        bright = images.mean(axis=-1, keepdims=True)
        bright -= bright.mean(axis=(1, 2), keepdims=True)
        return np.concatenate([0 * bright, bright], axis=-1).astype("float32")


@pytest.fixture
def bright(monkeypatch):
    """A model in place of the preset, which processes 1000 pixels at once."""
    model = Brightness()
    module = sys.modules["keras_seg.training.distill"]
    monkeypatch.setattr(module, "load_model", lambda name: model)
    monkeypatch.setattr("keras_seg_runtime.labels.window_size.MAX_WINDOW_PIXELS", 1000)
    return model


def large_photo():
    """Squares of 10 x 10 pixels."""
    squares = np.random.default_rng(0).integers(0, 9, (8, 12, 1))
    return np.kron(squares, np.ones((10, 10, 3))).astype("uint8")


def test_a_preset_sees_photos_as_segment_shows_them(bright):
    image = large_photo()
    scores = load_teacher("any")(image[None])[0]
    shown, bright.shapes = bright.shapes, []
    expected = keras_seg_runtime.segment(bright, image)
    assert scores.shape == (32, 48, 2) and shown == bright.shapes and len(shown) > 1
    labels = data.labels_from_scores(scores, (80, 120), threshold=0)
    assert (labels == expected).mean() > 0.95
    scores = load_teacher("any", size=(64, 60))(np.stack([image[:64, :60]] * 2))
    assert scores.shape == (2, 64, 60, 2)


def test_calibration_sees_images_as_segment_shows_them(bright):
    image = large_photo()
    keras_seg_runtime.segment(bright, image)
    shown, bright.shapes = bright.shapes, []
    labels = np.random.default_rng(1).integers(0, 4, (8, 12)) < image[::10, ::10, 0] / 2
    labels = np.kron(labels, np.ones((10, 10))).astype("uint8")
    source = Source([(image, labels)] * 2)
    source.num_classes = 2
    bright.temperature, bright.classes_learned = 1.0, None
    report = calibrate(bright, source)
    assert bright.shapes == 2 * shown and len(shown) > 1
    assert report["pixels"] == 2 * 32 * 48


def test_labels_need_a_folder(folders, capsys):
    words = f"distill --images {folders}/photos --teacher x --num-classes 3"
    assert main([*words.split(), "--output", "run"]) == 2
    assert "--labels DIR" in capsys.readouterr().err
    with pytest.raises(RunError, match="one of masks, scores and teacher"):
        distill("photos", masks="a", scores="b")


def test_rare_classes():
    class Source(list):
        num_classes, ignore_class = 4, VOID

    labels = np.zeros((10, 100), "uint8")
    labels[0, :15] = 2
    labels[1] = VOID
    labels[2:5] = 1
    assert rare_classes(Source([(None, labels)])) == [2]


@pytest.mark.skipif(
    keras.config.backend() != "torch",
    reason="TensorFlow and JAX trace or compile the training step for a minute",
)
def test_the_student_is_trained_and_calibrated(folders, tmp_path):
    backbone = tmp_path / "backbone"
    keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 8],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
    ).save_to_preset(backbone)
    keras_hub.layers.ResNetImageConverter(scale=0.01).save_to_preset(backbone)
    where = f"--images {folders}/photos --masks {folders}/masks"
    words = f"{where} --num-classes 3 --backbone {backbone} --output {tmp_path}/run "
    words += "--epochs 1 --steps-per-epoch 4 --batch-size 2 --hidden-dim 8 "
    words += "--crop-size 32 32 --verbose 0 --class-names a b c"
    assert main(["distill", *words.split()]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["arguments"]["focus_probability"] == 0.5

    words = f"calibrate --preset {tmp_path}/run/preset {where}"
    assert main([*words.split(), "--output", str(tmp_path / "calibrated")]) == 0
    report = json.loads((tmp_path / "calibrated.calibration.json").read_text())
    assert report["after"]["cross_entropy"] <= report["before"]["cross_entropy"] + 1e-4
    kept = [row["kept"] for row in report["thresholds"]]
    assert kept == sorted(kept, reverse=True)
    model = models.load_model(tmp_path / "calibrated")
    assert model.temperature == report["temperature"]


class KnownLogits:
    """Stands for a model: twice as sure as it should be."""

    num_classes, ignore_class, temperature = 3, VOID, 1.0
    classes_learned = long_side = None

    def __init__(self, logits):
        self.logits = logits

    def predict_on_batch(self, images):
        return 2 * self.logits[int(np.asarray(images)[0, 0, 0, 0])]


class Source(list):
    num_classes, ignore_class = 3, VOID


def labels_drawn():
    """Logits of six images, and labels drawn with their probabilities."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (6, 1, 40, 50, 3)).astype("float32")
    scores = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    drawn = (rng.random((*scores.shape[:-1], 1)) > scores.cumsum(-1)).sum(-1)
    return logits, np.minimum(drawn[:, 0], 2).astype("uint8")


def with_images(labels, num_classes=3):
    images = (np.full((40, 50, 3), i, "uint8") for i in range(len(labels)))
    source = Source(zip(images, labels, strict=True))
    source.num_classes = num_classes
    return source


def test_calibration_finds_the_temperature_that_is_known():
    logits, labels = labels_drawn()
    labels[:, :3] = VOID
    source = with_images(labels)
    report = calibrate(KnownLogits(logits), source)
    assert report["temperature"] == pytest.approx(2, rel=0.1)
    assert report["after"]["calibration_error"] < 0.02
    assert report["before"]["calibration_error"] > 0.05
    assert report["pixels"] < 6 * 2000


def test_calibration_of_a_calibrated_model():
    logits, labels = labels_drawn()
    labels[:, :3] = VOID
    source = with_images(labels)
    model = KnownLogits(logits)
    first = calibrate(model, source)
    model = KnownLogits(logits / 4)  # the same head, with a temperature of 4
    model.temperature = 4.0
    second = calibrate(model, source)
    assert second["temperature"] == first["temperature"]
    assert second["after"] == first["after"] != second["before"] != first["before"]
    assert second["thresholds"] == first["thresholds"]
    model = KnownLogits(logits / first["temperature"])
    model.temperature = first["temperature"]
    assert calibrate(model, source)["before"] == first["after"]


def test_classes_that_are_not_learned_are_void_in_calibration():
    """Their logits are far too low for any temperature."""
    logits, labels = labels_drawn()
    wide = np.full((*logits.shape[:-1], 5), ABSENT_LOGIT / 2, "float32")
    wide[..., [0, 3, 4]] = logits
    labels = np.take([0, 3, 4], labels).astype("uint8")
    model = KnownLogits(wide)
    model.num_classes, model.classes_learned = 5, [0, 3, 4]
    expected = calibrate(model, with_images(labels.copy(), 5))
    labels[:, :4] = 2
    report = calibrate(model, with_images(labels, 5))
    assert report["pixels"] < expected["pixels"]
    assert report["temperature"] == pytest.approx(expected["temperature"], rel=0.05)
    assert report["thresholds"][0]["kept_of_void"] is not None
    with pytest.raises(ValueError, match="classes that the model has not learned"):
        calibrate(model, with_images(np.full_like(labels, 2), 5))


@pytest.mark.parametrize("case", ["unrelated", "its own"])
def test_labels_that_no_temperature_fits(case):
    logits, labels = labels_drawn()
    own = logits[:, 0].argmax(-1)
    labels = own if case == "its own" else (own + 1) % 3
    right = "100.0%" if case == "its own" else "0.0%"
    with pytest.raises(ValueError, match=f"end of the range. .* {right} of the pixels"):
        calibrate(KnownLogits(logits), with_images(labels.astype("uint8")))
