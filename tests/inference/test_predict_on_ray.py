"""Images are segmented once, whatever fails, by the actors of the Ray example.

Without Ray: batches are given to an actor here. benchmarks/ray_node_killed.py runs the
example on two nodes, of which one is killed.
"""

import shutil
import sys

import numpy as np
import pytest
from fake_model import fake_labels, fake_model, random_image
from PIL import Image
from project_paths import ROOT

parquet = pytest.importorskip("pyarrow.parquet")
pyarrow = pytest.importorskip("pyarrow")
sys.path.insert(0, str(ROOT / "examples"))

import predict_on_ray as example  # noqa: E402

from keras_seg import models  # noqa: E402


@pytest.fixture
def photos(tmp_path):
    """Five images, one of them of an unlucky name, and a file that is none."""
    folder = tmp_path / "photos" / "below"
    folder.mkdir(parents=True)
    for i, name in enumerate(("a.png", "unfinished-a.png", "b.png", "c.png", "d.png")):
        Image.fromarray(random_image(12, 16, seed=i)).save(folder / name)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    return tmp_path / "photos"


@pytest.fixture
def cluster(monkeypatch):
    """Runs batches of two; each entry of `lost` is one that dies with its actor."""
    monkeypatch.setattr(models, "load_model", lambda preset: fake_model())
    monkeypatch.setattr(example, "PAUSE", 0)
    lost, seen = [], []

    def run_once(waiting, args):
        actor = example.Segmenter(args.preset, args.output)
        for start in range(0, len(waiting), 2):
            paths = waiting[start : start + 2]
            if start in lost:
                lost.remove(start)
                continue
            actor({"path": paths})
            seen.extend(paths)
        return "an actor died"

    monkeypatch.setattr(example, "run_once", run_once)
    return lost, seen


def shares_of(output):
    return parquet.read_table(output / "shares.parquet").to_pylist()


def test_label_maps_shares_and_failures(photos, cluster, tmp_path):
    output = tmp_path / "out"
    assert example.main([str(photos), "--output", str(output)]) == 1
    path = photos / "below" / "b.png"
    expected = fake_labels(np.asarray(Image.open(path)))
    with Image.open(example.label_path(output, path)) as labels:
        np.testing.assert_array_equal(np.asarray(labels), expected)
    rows = {row["image"]: row for row in shares_of(output)}
    assert len(rows) == 5
    row = rows[str(path)]
    assert (row["width"], row["height"]) == (16, 12)
    assert row["red"] == pytest.approx(np.mean(expected == 1))
    failed = (output / "failed.csv").read_text().splitlines()
    assert len(failed) == 2 and "broken.jpg" in failed[1]


def test_second_start_leaves_out_what_is_done(photos, cluster, tmp_path):
    _, seen = cluster
    output = tmp_path / "out"
    example.main([str(photos), "--output", str(output)])
    seen.clear()
    Image.fromarray(random_image(8, 8)).save(photos / "new.png")
    example.main([str(photos), "--output", str(output)])
    assert {path.rsplit("/", 1)[1] for path in seen} == {"broken.jpg", "new.png"}
    assert len(shares_of(output)) == 6


def test_images_of_an_actor_that_died_are_done_again(photos, cluster, tmp_path):
    lost, seen = cluster
    lost.extend([0, 4])
    output = tmp_path / "out"
    example.main([str(photos), "--output", str(output)])
    assert len(seen) == len(set(seen)) == 6
    images = [row["image"] for row in shares_of(output)]
    assert len(images) == len(set(images)) == 5


def test_image_without_its_row_is_done_again_and_listed_once(photos, cluster, tmp_path):
    output = tmp_path / "out"
    example.main([str(photos), "--output", str(output)])
    # Killed between the label map and the row, and while a file was written.
    for part in (output / "parts").iterdir():
        part.unlink()
    label = example.label_path(output, photos / "below" / "c.png")
    draft = label.with_name(f"unfinished-{label.name}")
    draft.write_bytes(b"half")
    (output / "parts" / "unfinished-0.parquet").write_bytes(b"half")
    example.main([str(photos), "--output", str(output)])
    assert len(shares_of(output)) == 5
    assert not draft.exists()
    assert example.label_path(output, photos / "below" / "unfinished-a.png").exists()


def test_paths_from_parquet(photos, tmp_path):
    paths = [str(photos / "below" / "a.png"), str(photos / "missing.png")]
    table = tmp_path / "paths.parquet"
    parquet.write_table(pyarrow.table({"path": [*paths, paths[0]]}), table)
    assert example.find_paths([str(table)]) == paths
    parquet.write_table(pyarrow.table({"file": paths}), table)
    with pytest.raises(ValueError, match="no column 'path'"):
        example.find_paths([str(table)])


def test_a_run_in_which_nothing_is_segmented_is_tried_again(photos, cluster, tmp_path):
    """Ray may give all work to a node that has just died."""
    lost, seen = cluster
    lost.extend([0, 2, 4])
    assert example.main([str(photos), "--output", str(tmp_path / "out")]) == 1
    assert len(seen) == len(set(seen)) == 6


def test_images_without_their_label_maps_are_done_again(photos, cluster, tmp_path):
    """The rows of an earlier start do not stand for label maps deleted since."""
    lost, _ = cluster
    output = tmp_path / "out"
    example.main([str(photos), "--output", str(output)])
    shutil.rmtree(output / "labels")
    lost.extend([0, 2])
    example.main([str(photos), "--output", str(output)])
    assert len(list(output.glob("labels/**/*.png"))) == 5
    shutil.rmtree(output / "labels")
    lost.extend(4 * [0, 2, 4])
    message = example.main([str(photos), "--output", str(output)])
    assert "none of 5 images" in message


def test_error_if_nothing_is_segmented(photos, cluster, tmp_path):
    lost, _ = cluster
    lost.extend(3 * [0, 2, 4])
    message = example.main([str(photos), "--output", str(tmp_path / "out")])
    assert "none of 6 images" in message
