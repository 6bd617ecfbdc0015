"""Split, early stopping, warnings, progress and pictures of a run."""

import json
import types

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import ResizedSource
from keras_seg.training import RunError
from keras_seg.training.open_data import check_labelled
from keras_seg.training.progress import Progress
from keras_seg.training.report import Details
from keras_seg.training.report_pictures import draw_confusion, draw_curves
from keras_seg.training.split_source import split_source
from keras_seg.training.stop_early import StopEarly
from keras_seg.training.tensorboard_log import TensorBoardLog
from keras_seg.training.watch_learning import flat_loss, never_predicted

pytestmark = pytest.mark.no_backend


class Pairs(list):
    def __init__(self, names):
        super().__init__(names)
        self.names = list(names)


def test_the_split_is_seeded_listed_and_kept(tmp_path):
    source = Pairs("abcdefghijklmnopqrst")
    train, val = split_source(source, 0.2, 0, tmp_path)
    assert sorted([*train.names, *val.names]) == source.names and len(val) == 4
    listed = json.loads((tmp_path / "split.json").read_text())
    assert listed == {"seed": 0, "train": train.names, "val": val.names}
    (tmp_path / "other").mkdir()
    _, other = split_source(source, 0.2, 1, tmp_path / "other")
    assert other.names != val.names
    # Images that came later belong to neither; those that are gone are named.
    more = Pairs([*"ABC", *source.names])
    train, again = split_source(more, 0.2, 0, tmp_path)
    assert again.names == val.names and len(train) == 16
    assert [again[i] for i in range(4)] == val.names
    with pytest.raises(RunError, match="1 images of .* are gone: t"):
        split_source(Pairs(source.names[:-1]), 0.2, 0, tmp_path)
    for text in ("", "[]", '{"train": []}'):
        (tmp_path / "split.json").write_text(text)
        with pytest.raises(RunError, match="split.json is damaged"):
            split_source(source, 0.2, 0, tmp_path)


def test_names_that_repeat_are_not_split(tmp_path):
    """A resumed run could not tell the images apart."""
    source = Pairs(["a/0", "a/1", "b", "b", "c", "d"])
    with pytest.raises(RunError, match="1 names stand for several images each, .* b:"):
        split_source(source, 0.2, 0, tmp_path)
    (tmp_path / "split.json").write_text('{"train": ["b"], "val": ["c"]}')
    with pytest.raises(RunError, match="names stand for several images"):
        split_source(source, 0.2, 0, tmp_path)


def test_images_without_names_are_split_by_number(tmp_path):
    train, val = split_source(list("abcdefghij"), 0.2, 0, tmp_path)
    again = split_source(list("abcdefghij"), 0.2, 0, tmp_path)
    assert [[*train], [*val]] == [[*part] for part in again]
    assert sorted([*train, *val]) == list("abcdefghij")


def test_data_to_measure_on_have_a_labelled_pixel():
    void, labelled = np.full((2, 3), 255), np.array([[255, 1]])
    check_labelled({"val": [(None, void), (None, labelled)]})
    with pytest.raises(RunError, match="the 2 label maps of val are void"):
        check_labelled({"val": [(None, void)] * 2})


def test_few_images_are_not_split(tmp_path, capsys):
    source = Pairs("abcd")
    assert split_source(source, 0.2, 0, tmp_path) == (source, None)
    assert "No validation: 4 images are too few" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_early_stopping_counts_in_the_history():
    run = types.SimpleNamespace(best={"epoch": 3}, lines=[{"epoch": 7}])
    assert not StopEarly(run, 5).is_reached() and StopEarly(run, 4).is_reached()
    assert not StopEarly(run, 0).is_reached()
    stop = StopEarly(run, 4)
    stop.set_model(types.SimpleNamespace(stop_training=False))
    stop.on_epoch_end(6)
    assert stop.model.stop_training
    run.best = None
    assert not StopEarly(run, 4).is_reached()


def lines(*losses):
    return [{"epoch": i, "loss": loss} for i, loss in enumerate(losses, 1)]


def test_a_flat_loss_is_said():
    assert flat_loss(lines(2, 1.9), 20, 1e-3) is None  # too early
    assert flat_loss(lines(2, 1.9, 1.8), 20, 1e-3) is None
    text = flat_loss(lines(2, 2.1, 1.99), 20, 1e-3)
    assert "nothing is learned" in text and "2.000" in text and "0.001" in text
    assert flat_loss(lines(2, 2.1, 1.99), 100, 1e-3) is None  # of 10 epochs
    text = flat_loss(lines(2, 2.1, 1.99), 20, 1e-3, goes_on=True)
    assert "nothing is learned" not in text and "--initial-weights" in text


def test_classes_that_are_never_predicted_are_named():
    counts = np.array([[8, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]])
    text = never_predicted(counts, ["sky", "bird", "boat"])
    assert "bird (20.0% of the pixels)" in text
    assert "sky" not in text and "boat" not in text  # boat does not occur
    counts[0, 1] = 1
    assert never_predicted(counts, ["sky", "bird", "boat"]) is None


def test_time_is_estimated_from_the_first_steps(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 40.0, 60.0, *np.arange(62.0, 100, 2)])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    history = {"epoch": 1, "loss": 0.5, "seconds": 90, "val_mean_iou": 0.25}
    run = types.SimpleNamespace(lines=[history], best=history)
    args = types.SimpleNamespace(epochs=3, steps_per_epoch=15, accumulate=2)
    progress = Progress(run, args, verbose=2)
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    for step in range(8):
        progress.on_train_batch_end(step, {"loss": 1.0})
    progress.on_epoch_end(0)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2 s per step: about 1.0 min for an epoch of 30 steps")
    assert "3.0 min for 3 epochs" in first and "first step took 40 s" in first
    expected = "epoch 1 of 3: loss 0.500, val mean IoU 25.0% (best), 1.5 min, about 3.0"
    assert second == f"{expected} min left"


def test_details_count_what_the_metric_counts():
    random = np.random.default_rng(0)
    details = Details(4)
    truth = random.integers(0, 5, (3, 20, 30))
    truth[truth == 4] = 255
    guess = random.integers(0, 4, (3, 20, 30))
    guess[:, :2] = 255
    for i in range(3):
        details.add(i, truth[i], guess[i])
    expected = np.zeros((4, 5), int)
    for a, b in zip(truth.flat, guess.flat, strict=True):
        if a != 255:
            expected[a, min(b, 4)] += 1
    np.testing.assert_array_equal(details.confusion, expected)
    details.add(3, np.full((2, 2), 255), np.zeros((2, 2), int))
    assert len(details.scores) == 4 and np.isnan(details.scores[3])


@pytest.mark.parametrize("classes", [2, 11, 171])
def test_pictures_of_any_number_of_classes(tmp_path, classes):
    counts = np.eye(classes, classes + 1, dtype="int64") * 9
    draw_confusion(counts, [f"class {k}" for k in range(classes)], tmp_path, "val")
    with Image.open(tmp_path / "report" / "val_confusion.png") as picture:
        colours = {colour for _, colour in picture.getcolors(1 << 20)}
        assert (12, 74, 140) in colours and max(picture.size) < 1400


@pytest.mark.parametrize("values", [[], [1.0], [2.0, float("nan"), 0.5]])
def test_curves_of_any_history(tmp_path, values):
    draw_curves(lines(*values), tmp_path)
    with Image.open(tmp_path / "report" / "curves.png") as picture:
        colours = {colour for _, colour in picture.getcolors(1 << 20)}
    assert ((31, 119, 180) in colours) or not values


def test_large_photos_are_downscaled_with_their_masks():
    image = np.zeros((300, 400, 3), "uint8")
    label = np.zeros((300, 400), "uint8")
    image[:, 200:], label[:, 200:] = 200, 3
    source = ResizedSource([(image, label)], 100)
    small, ids = source[0]
    assert small.shape == (75, 100, 3) and source.size_of(0) == (75, 100)
    np.testing.assert_array_equal(ids == 3, small[..., 0] == 200)
    assert set(np.unique(ids)) == {0, 3}
    assert ResizedSource([(image, label)], 400)[0][0] is image
    with pytest.raises(ValueError, match="at least 1"):
        ResizedSource([], 0)


def test_tensorboard_gets_the_history(tmp_path):
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    run = types.SimpleNamespace(path=tmp_path, lines=[])
    log = TensorBoardLog(run)
    for epoch in range(2):
        run.lines.append({"epoch": epoch + 1, "loss": 1.5, "val_mean_iou": 0.25})
        log.on_epoch_end(epoch)
    log.on_train_end()
    events = reader.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert set(events.Tags()["tensors"] + events.Tags()["scalars"]) == {
        "train/loss",
        "val/mean_iou",
    }
