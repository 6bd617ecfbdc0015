"""`benchmarks/accuracy`: what is chance, what is done already, which labels are best.

`benchmarks/accuracy/smoke.py` trains every entry; it takes minutes.
"""

import itertools
import json
import sys

import numpy as np
import pytest
from project_paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks" / "accuracy"))

import run
import table
from cost import median_of
from decision_rules import best_labels, data_set_constants, expected, scores_of
from recipe import open_sources, recipe_of, training_settings
from smoke import make_scenes, words_for

pytestmark = pytest.mark.no_backend


def line_of(entry, seed, score):
    values = dict.fromkeys(table.METRICS, score)
    val = {**values, "images": 2, "class_iou": {"sky": score, "boat": None}}
    facts = dict.fromkeys(("commit", "command", "backend", "hardware", "load"), "x")
    return {
        "entry": entry,
        "seed": seed,
        "val": val,
        "parameters": 1_500_000,
        "minutes": 2.0,
        "date": "today",
        **facts,
    }


# === The table ===


def test_half_width_is_that_of_the_t_interval():
    # By hand: means 2 and 5, pooled variance 1, t(4) = 2.776, sqrt(2 / 3) = 0.8165.
    assert table.half_width([1, 2, 3], [4, 5, 6]) == pytest.approx(
        2.776 * 0.81650, 1e-4
    )


@pytest.mark.parametrize(
    "values, others, words",
    [
        ([0.70, 0.71, 0.72], [0.60, 0.61, 0.62], "+10.0 (spread 2.3)"),
        ([0.60, 0.61, 0.62], [0.70, 0.71, 0.72], "-10.0 (spread 2.3)"),
        ([0.70, 0.71, 0.72], [0.69, 0.70, 0.71], "none (+1.0, spread 2.3)"),
        ([0.70], [0.60, 0.61], "one seed (+9.5)"),
    ],
)
def test_a_difference_within_the_spread_is_none(values, others, words):
    assert table.verdict(values, others) == words


def test_the_table_names_classes_seeds_and_conditions(tmp_path):
    for entry, score in (("ecenet", 0.7), ("fpn", 0.5)):
        for seed in (0, 1, 2):
            line = line_of(entry, seed, score + 0.01 * seed)
            run.append_line(tmp_path / run.RESULTS, line)
    cost = {"entry": "ecenet", "gflops": 3.5, "ms": 20.0, "peak_mb": 600}
    conditions = {"size": [36, 48], "backend": "b", "hardware": "h", "threads": "1"}
    run.append_line(tmp_path / run.COSTS, {**cost, **conditions, "date": "today"})
    (tmp_path / run.RECIPE).write_text(json.dumps({"data": "camvid"}))
    text = table.write(tmp_path)
    assert "| ECENet | 3 | 71.0 ± 1.0 |" in text
    assert (
        "| plain FPN | +20.0 (spread 2.3) | 1.50 M | 3.5 | 20.0 | 600 | 2.0 |" in text
    )
    assert "| sky | 71.0 ± 1.0 | 51.0 ± 1.0 |" in text and "| boat | - | - |" in text
    assert "- commit: x" in text and "36 x 48" in text
    assert (tmp_path / "table.md").read_text() == text


def test_the_time_is_that_of_the_median_process():
    timed = [{"ms": ms, "peak_mb": 10 * ms} for ms in (80.4, 52.3, 63.0)]
    cost = median_of(timed)
    assert cost["peak_mb"] == 630.0
    assert table.time_of(cost) == "63 (52 to 80)"
    assert table.time_of({"ms": 20.0}) == 20.0 and table.time_of({}) == ""


# === Resuming ===


def test_a_line_that_was_cut_off_is_left_out_and_done_again(tmp_path):
    path = tmp_path / run.RESULTS
    run.append_line(path, line_of("ecenet", 0, 0.5))
    with path.open("a") as file:
        file.write('{"entry": "fpn", "se')  # killed
    assert run.is_done(tmp_path, "ecenet", 0) and not run.is_done(tmp_path, "fpn", 0)
    run.append_line(path, line_of("fpn", 0, 0.6))
    assert run.is_done(tmp_path, "fpn", 0) and not run.is_done(tmp_path, "fpn", 1)


def test_done_runs_are_left_out_and_failed_ones_named(tmp_path, monkeypatch):
    make_scenes(tmp_path / "data")
    calls = []

    def job(arguments, entry, seed):
        calls.append((entry, seed))
        return None if entry == "cpt" else line_of(entry, seed, 0.5)

    monkeypatch.setattr(run, "run_job", job)
    words = [*words_for(tmp_path, "fpn"), "--seeds", "0", "1"]
    run.main(words)
    run.main(words)
    assert calls == [("fpn", 0), ("fpn", 1)]
    words[words.index("fpn")] = "cpt"
    with pytest.raises(SystemExit, match="cpt, seed 0; cpt, seed 1"):
        run.main(words)


def test_another_recipe_in_the_same_folder_is_refused(tmp_path):
    make_scenes(tmp_path / "data")
    options = run.parse_arguments(words_for(tmp_path, "fpn"))
    run.check_recipe(options.output, recipe_of(options))
    options.data_dir = "moved"
    run.check_recipe(options.output, recipe_of(options))
    options.learning_rate = 1.0
    with pytest.raises(SystemExit, match="learning_rate: 0.0003 there, 1.0 here"):
        run.check_recipe(options.output, recipe_of(options))


def test_few_labels_are_the_same_for_all(tmp_path):
    make_scenes(tmp_path / "data")
    recipe = recipe_of(run.parse_arguments(words_for(tmp_path, "fpn")))
    first, second = (open_sources(recipe)[0] for _ in range(2))
    assert len(first) == 3 and first.names == second.names  # half of 6
    settings = training_settings(recipe, seed=4)
    assert settings["seed"] == 4 and settings["validate_every"] == settings["epochs"]


def test_train_and_val_together_have_no_validation(tmp_path):
    make_scenes(tmp_path / "data")
    words = [*words_for(tmp_path, "fpn"), "--train-split", "train+val"]
    with pytest.raises(SystemExit, match="no --share. Received: .*--share 0.5"):
        run.main(words)
    options = run.parse_arguments([*words, "--share", "1"])
    run.check_split(options)
    recipe = recipe_of(options)
    train, val = open_sources(recipe)
    assert len(train) == 8 and val is None
    settings = training_settings(recipe, seed=0)
    assert settings["validate_every"] == 0 and settings["val_share"] == 0


def test_no_path_of_the_machine_in_the_command(tmp_path):
    words = [*words_for(tmp_path, "fpn"), "--backbone-weights", "elsewhere/w.h5"]
    options = run.parse_arguments(words)
    text = run.portable(["run.py", *words, "--job", "fpn", "0"], options)
    assert "--data-dir DATA --output OUTPUT" in text and "elsewhere" not in text
    assert "--job" not in text


# === The decision ===


def probabilities(seed, shape=(12, 16), classes=5):
    logits = np.random.default_rng(seed).normal(size=(*shape, classes)) * 2
    logits[..., 0] += 2
    x = np.exp(logits)
    return (x / x.sum(axis=-1, keepdims=True)).astype("float32")


@pytest.mark.parametrize("metric", ["iou", "dice"])
def test_expected_value_is_the_ratio_of_expectations(metric):
    p = probabilities(0, (3, 4), 3).reshape(-1, 3)
    labels = p.argmax(axis=1)
    values, _ = expected(p, labels, metric)
    for k in range(3):
        chosen = labels == k
        hits, size, mass = p[chosen, k].sum(), chosen.sum(), p[:, k].sum()
        below = size + mass - hits if metric == "iou" else (size + mass) / 2
        assert values[k] == pytest.approx(hits / below)


@pytest.mark.parametrize("metric", ["iou", "dice"])
@pytest.mark.parametrize("seed", range(4))
def test_labels_are_better_than_argmax_and_near_the_best(metric, seed):
    p = probabilities(seed, (1, 7), 3)
    flat = p.reshape(-1, 3)

    def mean(labels):
        return expected(flat, np.array(labels), metric)[0].mean()

    found = mean(best_labels(p, metric, least=0).ravel())
    highest = max(map(mean, itertools.product(range(3), repeat=7)))
    assert mean(flat.argmax(axis=1)) <= found <= highest + 1e-9
    assert found >= 0.9 * highest


@pytest.mark.parametrize("metric", ["iou", "dice"])
def test_of_two_classes_the_best_threshold_is_found(metric):
    """With two classes the best labels are all above some threshold."""
    p = probabilities(3, (20, 30), 2)
    flat = p.reshape(-1, 2)
    means = [
        expected(flat, (flat[:, 1] >= t).astype(int), metric)[0].mean()
        for t in np.append(np.unique(flat[:, 1]), 2.0)
    ]
    found = expected(flat, best_labels(p, metric, least=0).ravel(), metric)[0].mean()
    argmax = expected(flat, flat.argmax(axis=1), metric)[0].mean()
    assert argmax < found and found == pytest.approx(max(means), abs=2e-4)


def test_only_classes_that_an_image_may_have_take_part():
    p = np.full((4, 4, 3), (0.7, 0.25, 0.05), "float32")
    p[0, 0] = (0.3, 0.65, 0.05)
    assert set(np.unique(best_labels(p))) <= {0, 1}
    p[...] = (0.7, 0.2, 0.1)
    assert not best_labels(p).any()
    with pytest.raises(ValueError, match="metric"):
        best_labels(p, "accuracy")


def test_one_rule_for_a_data_set():
    images = [probabilities(seed).reshape(-1, 5) for seed in range(6)]
    value, below = data_set_constants(images, 5)
    flat = np.concatenate(images)
    labels = scores_of(flat, value, below).argmax(axis=1)
    means = [expected(flat, x)[0].mean() for x in (labels, flat.argmax(axis=1))]
    assert means[0] > means[1]
