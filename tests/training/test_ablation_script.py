"""`scripts/ablation.py` runs variants, resumes, and makes a table."""

import json
import pathlib
import sys

import keras
import pytest
from project_paths import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import ablation

from keras_seg import training
from keras_seg.training import RunError
from keras_seg.training.choose_settings import choose_settings
from keras_seg.training.config_file import write_config
from keras_seg.training.report import portable
from keras_seg.training.settings import resolve_settings

pytestmark = pytest.mark.no_backend

REGIONS = {
    "class_semantics": 0.5,
    "class_diversity": 0.25,
    "instance_semantics": 0.5,
    "instance_diversity": 0.125,
}


@pytest.fixture
def runs(monkeypatch):
    """Stands for training: notes what was asked for and gives made-up scores."""
    calls = []

    def run(given, resume):
        args = resolve_settings(given)
        choose_settings(args, None)
        args.resume = resume
        calls.append(args)
        folder = pathlib.Path(args.output)
        folder.mkdir(parents=True, exist_ok=True)
        write_config(args)
        if len(calls) == run.fails_at:
            raise KeyboardInterrupt
        result = {
            "arguments": portable(
                {k: v for k, v in vars(args).items() if k != "resume"}
            ),
            "seed": args.seed,
            "parameters": 1234,
            "val": {"mean_iou": 0.5 + 0.1 * args.seed, "pixel_accuracy": 0.75},
            **dict.fromkeys(("commit", "backend", "keras", "hardware"), "x"),
            "hours": 0.5,
        }
        if args.regions:
            result["val"]["regions"] = REGIONS
            result["regions_before"] = dict.fromkeys(REGIONS, 0.0625)
        (folder / "results.json").write_text(json.dumps(result))

    run.calls, run.fails_at = calls, None
    monkeypatch.setattr(training, "train_from_settings", run)
    monkeypatch.setattr(keras.utils, "clear_session", lambda: None)  # takes a while
    return run


def words(output, variants, *more):
    text = f"--variants {variants} --output {output} --seeds 0 1"
    return [*text.split(), *more, "--", "--data-dir", "nowhere", "--epochs", "3"]


def rows_of(path):
    lines = (path / "table.md").read_text().splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows if "---" not in row[0]]


def test_all_sources_of_cpt(runs, tmp_path):
    ablation.main(words(tmp_path, "cpt"))
    assert [(args.seed, args.source) for args in runs.calls] == [
        (seed, source)
        for seed in (0, 1)
        for source in ("bilinear", "pixels", "prototypes", "memory")
    ]
    assert all(args.no_test and args.epochs == 3 for args in runs.calls)
    rows = rows_of(tmp_path)
    assert rows[0] == ["variant", "runs", "parameters", "mIoU", "pixel accuracy"]
    assert rows[-1] == ["memory", "2", "1,234", "55.0 ± 7.1", "75.0 ± 0.0"]
    assert "- hours: 4.0\n" in (tmp_path / "table.md").read_text()
    summary = json.loads((tmp_path / "results.json").read_text())["summary"]
    assert summary["pixels"]["mean_iou"]["mean"] == pytest.approx(0.55)


def test_stride_32_alone(runs, tmp_path):
    ablation.main(words(tmp_path, "cpt-stride-32", "--only", "memory"))
    assert [args.pyramid_levels for args in runs.calls] == [["P5"]] * 2
    with pytest.raises(SystemExit, match="leaves nothing of --variants cpt: bilinear"):
        ablation.main(words(tmp_path, "cpt", "--only", "tokens"))


def test_regions_of_sgr(runs, tmp_path):
    ablation.main(words(tmp_path, "sgr"))
    rows = rows_of(tmp_path)
    assert rows[0][5:] == [key.replace("_", " ") for key in REGIONS]
    assert rows[1][0] == "no-reasoner" and rows[1][5:] == [""] * 4
    assert rows[3][0] == "region-loss" and rows[3][5] == "50.0 ± 0.0"
    assert rows[4][0] == "before training" and rows[4][5] == "6.2 ± 0.0"
    weights = {args.region_weight for args in runs.calls if args.regions == 64}
    assert weights == {0.0, None}


def test_goes_on_where_it_was(runs, tmp_path):
    runs.fails_at = 3
    with pytest.raises(KeyboardInterrupt):
        ablation.main(words(tmp_path, "cpt", "--only", "pixels", "memory"))
    assert len(rows_of(tmp_path)) == 3  # the table of what there is
    runs.calls.clear()
    runs.fails_at = None
    ablation.main(words(tmp_path, "cpt", "--only", "pixels", "memory"))
    assert [(args.seed, args.source) for args in runs.calls] == [
        (1, "pixels"),
        (1, "memory"),
    ]
    assert all(args.resume for args in runs.calls)


@pytest.mark.parametrize("finished", [True, False])
def test_runs_of_another_recipe_do_not_count(runs, tmp_path, finished):
    runs.fails_at = None if finished else 1
    try:
        ablation.main(words(tmp_path, "cpt"))
    except KeyboardInterrupt:
        pass
    calls = len(runs.calls)
    ablation.main([*words(tmp_path, "cpt"), "--workers", "1"])  # changes no result
    with pytest.raises(RunError, match="--batch-size 8 then, 4 now"):
        ablation.main([*words(tmp_path, "cpt"), "--batch-size", "4"])
    assert len(runs.calls) == (calls if finished else 1 + 8)


@pytest.mark.parametrize(
    "more", [["--split", "train+val"], "--data folder --images x --masks y".split()]
)
def test_there_must_be_a_val_that_is_not_trained_on(runs, tmp_path, more):
    with pytest.raises(SystemExit, match="compared on val"):
        ablation.main([*words(tmp_path, "cpt"), *more])
    assert not runs.calls
    with pytest.raises(SystemExit, match="--val-scales in place of --final-scale"):
        ablation.main([*words(tmp_path, "cpt"), "--final-scale", "2"])
