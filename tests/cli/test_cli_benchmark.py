"""`keras-seg benchmark`."""

import csv
import importlib.util
import json
import os
import subprocess

import keras
import numpy as np
import pytest
from fake_model import CLASS_NAMES, PALETTE, fake_model, random_image

import keras_seg
from keras_seg.inference import segment
from keras_seg_cli import benchmark as command
from keras_seg_cli import benchmark_report
from keras_seg_cli.benchmark_models import set_same_weights, size_for
from keras_seg_cli.benchmark_report import (
    all_conditions,
    summarise,
    table,
    write_csv,
    write_plot,
)
from keras_seg_cli.main import build_parser, main
from keras_seg_runtime.exported.description import file_hashes

BACKEND = keras.config.backend()


@pytest.fixture
def preset(tmp_path):
    backbone = keras_seg.backbones.ApplicationsBackbone(
        "MobileNetV2", alpha=0.35, output_stride=16
    )
    model = keras_seg.SGR(backbone, 3, hidden_dim=8, dilation_rates=[2], reasoner=False)
    model.save_to_preset(str(tmp_path / "preset"))
    return str(tmp_path / "preset")


def benchmark(*words):
    return main(["benchmark", *map(str, words)])


def read(path):
    lines = path.read_text().splitlines()
    head = [line for line in lines if line.startswith("#")]
    return head, list(csv.DictReader(line for line in lines if line[0] != "#"))


def test_a_preset_in_a_process_of_its_own(preset, tmp_path, capsys):
    words = f"--size 32 40 --repeats 2 --warmup 1 --rounds 1 --backends {BACKEND}"
    output = tmp_path / "results"
    words = [*words.split(), "--preset", preset, "--output", output]
    assert benchmark(*words) == 0
    printed = capsys.readouterr().out
    assert f"| {preset} | {BACKEND} | segment | 32 x 40 |" in printed
    head, rows = read(output / "benchmark.csv")
    assert any(line.startswith(f"# backend: {BACKEND} ") for line in head)
    (row,) = rows
    assert row["model"] == preset and row["backend"] == BACKEND
    assert 0 < float(row["median_ms"]) <= float(row["p95_ms"])
    assert float(row["first_ms"]) > 0 and float(row["peak_mb"]) > 100
    assert float(row["ratio"]) == 1 and float(row["differ"]) == 0
    assert benchmark(*words) == 2  # the results exist
    assert "--overwrite" in capsys.readouterr().err


def test_weights_are_the_same_on_every_backend():
    model = fake_model()
    set_same_weights(model)
    kernel = model.get_layer("logits").kernel
    values = keras.ops.convert_to_numpy(kernel)[0, 0]
    expected = [[0.943089, -0.761065, -0.471661]]
    assert segment(model, random_image(4, 5)).shape == (4, 5)
    first = np.array(values)
    set_same_weights(model)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(kernel)[0, 0], first)
    np.testing.assert_allclose(values[:1], expected, atol=1e-4)


def result(seconds, labels=None, size=(36, 48), **changes):
    return {
        "load": 2.5,
        "first": 1.5,
        "seconds": seconds,
        "cpu_seconds": [2 * s for s in seconds],
        "size": size,
        "parameters": 3_250_000,
        "peak_mb": 700.0,
        "labels": labels,
        **changes,
    }


@pytest.fixture
def rows(tmp_path):
    labels = np.zeros((10, 10), "uint8")
    np.save(tmp_path / "a.npy", labels)
    labels[0, :3] = 1
    np.save(tmp_path / "b.npy", labels)
    a, b = str(tmp_path / "a.npy"), str(tmp_path / "b.npy")
    results = {
        ("mine", "torch", "segment"): [
            result([0.1, 0.2, 0.3], a),
            result([0.2, 0.9], a, peak_mb=800.0),
        ],
        ("peer", "torch", "segment"): [result([0.4], a)],
        ("mine", "jax", "segment"): [result([0.1], b)],
    }
    return summarise(results, "mine")


@pytest.mark.no_backend
def test_rows_and_files(rows, tmp_path, monkeypatch):
    mine, peer, jax = rows
    assert (mine["median_ms"], mine["p95_ms"]) == (200.0, 900.0)
    assert (mine["peak_mb"], mine["ratio"], mine["differ"]) == (800.0, 1.0, 0.0)
    assert (peer["ratio"], peer["differ"]) == (2.0, 0.0)
    assert (jax["ratio"], jax["differ"]) == (1.0, 0.03)
    lines = table(rows, "mine").split("\n")
    assert "| x mine |" in lines[0]
    row = "| peer | torch | segment | 36 x 48 | 3.25 M | 2500 | 1500 | 400 | 800 |"
    assert lines[3].startswith(row)
    assert lines[4].endswith("| 3.000% |")
    found = {k: [{"conditions": {"backend": k, "python": "3"}}] for k in "ab"}
    assert all_conditions(found) == {"backend": "a, b", "python": "3"}
    write_csv(tmp_path / "b.csv", {"backend": "torch 2.13"}, rows)
    head, read_rows = read(tmp_path / "b.csv")
    assert head == ["# backend: torch 2.13"]
    assert [row["median_ms"] for row in read_rows] == ["200.0", "400.0", "100.0"]
    monkeypatch.setattr(benchmark_report.importlib.util, "find_spec", lambda name: None)
    assert not write_plot(tmp_path / "b.png", rows)


@pytest.mark.no_backend
@pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="draws with matplotlib"
)
def test_plot(rows, tmp_path):
    assert write_plot(tmp_path / "b.png", rows)
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.no_backend
def test_rounds_take_turns(monkeypatch, tmp_path, capsys):
    seen = []

    def run(words, env, **kwargs):
        seen.append((words[-1].split('"')[3], env["KERAS_BACKEND"]))
        failed = seen[-1] == ("b/b", "jax")
        line = '{"seconds": [1], "median_ms": 1000}'
        return subprocess.CompletedProcess(words, int(failed), line, "Oh\nno: a reason")

    monkeypatch.setattr(command.subprocess, "run", run)
    words = ["benchmark", "-p", "a/a", "--against", "b/b"]
    options = build_parser().parse_args(words)
    results, failed = command.run_all(options, ["torch", "jax"], str(tmp_path))
    turn = [(m, b) for b in ("torch", "jax") for m in ("a/a", "b/b")]
    assert seen == turn + turn[-2::-1]  # what failed is not tried again
    assert failed == 1 and len(results) == 3
    assert "keras-seg: b/b, jax, segment: no: a reason" in capsys.readouterr().err
    assert all(len(rounds) == 2 for rounds in results.values())


@pytest.fixture
def exported(tmp_path):
    """A file of ONNX whose logits are the image, and its description."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    sizes = ["B", "H", "W", 3]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Cast", ["images"], ["logits"], to=1)],
        "fake",
        [onnx.helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, sizes)],
        [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, sizes)],
    )
    version = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[version], ir_version=9)
    path = tmp_path / "fake.onnx"
    path.write_bytes(model.SerializeToString())
    entry = {"output": "logits", "size": None, "sha256": file_hashes(path)}
    description = {
        "format_version": 1,
        "num_classes": 3,
        "class_names": CLASS_NAMES,
        "palette": PALETTE,
        "ignore_class": 255,
        "long_side": None,
        "input_scale": 1,
        "files": {path.name: entry},
    }
    path.with_suffix(".json").write_text(json.dumps(description))
    return tmp_path / "fake"


@pytest.mark.no_backend
def test_an_exported_file_in_its_runtime(exported, tmp_path, capsys):
    output = tmp_path / "results"
    words = ["--runtimes", "onnxruntime", "--exported", exported, "--output", output]
    counts = "--size 32 40 --repeats 2 --warmup 1 --rounds 1 --threads 1".split()
    assert benchmark(*words, *counts) == 0
    printed = capsys.readouterr().out
    assert "| ecenet/camvid | onnxruntime | segment | 32 x 40 |" in printed
    assert "backend: onnxruntime " in printed and "processors: 1\n" in printed
    (row,) = read(output / "benchmark.csv")[1]
    assert 0 < float(row["load_ms"]) and 0 < float(row["cpu_ms"])
    assert row["parameters"] == "" and float(row["differ"]) == 0
    assert 20 < float(row["peak_mb"]) < 400  # Keras would need more


@pytest.mark.no_backend
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--runtimes", "onnxruntime", "--exported", "nowhere"], "nowhere.onnx does"),
        (["--runtimes", "onnxruntime", "--phases", "train"], "are not trained"),
        (["--image", "nowhere.jpg"], "no such file"),
        (["--runtimes", "openvino"], "not installed: openvino"),
    ],
)
def test_runtimes_that_cannot_start(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        command, "missing_runtimes", lambda names: [n for n in names if n[1] == "p"]
    )
    assert benchmark(*words, "--output", tmp_path) == 2
    assert message in capsys.readouterr().err


@pytest.mark.no_backend
def test_sizes_that_models_take():
    assert size_for("ecenet/camvid", 360, 480) == (360, 480)
    assert size_for("segformer_b0", 360, 480) == (416, 416)
    assert size_for("deeplab_v3_plus", 360, 480) == (352, 480)


@pytest.mark.no_backend
def test_wrong_options(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert benchmark("--output", file) == 2
    for words in (["--size", "0", "5"], ["--backends", "mxnet"], ["--phases", "x"]):
        with pytest.raises(SystemExit):
            benchmark(*words, "--output", tmp_path / "results")
    assert not os.path.exists(tmp_path / "results")
