import errno
import glob
import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from fake_model import fake_labels, fake_model
from PIL import Image

import keras_seg
from keras_seg import models
from keras_seg.keras_internals.inference_function import run_inference
from keras_seg_cli.image_jobs import find_images, plan_jobs
from keras_seg_cli.main import main


@pytest.fixture(autouse=True)
def quiet_work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.fixture
def loaded(model, monkeypatch):
    """The names of the presets asked for; each is the fake model."""
    names = []

    def load_model(preset):
        names.append(preset)
        return model

    monkeypatch.setattr(models, "load_model", load_model)
    return names


def photo(path, height=40, width=60, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype="uint8")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return image


def read_labels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def written():
    return sorted(path.name for path in Path("out").iterdir())


def predict(*words):
    return main(["predict", *map(str, words), "--output", "out"])


def test_writes_overlay_and_labels(loaded, capsys):
    image = photo("a.png")
    assert predict("a.png") == 0
    assert loaded == ["ecenet/ade20k"]
    assert written() == ["a_labels.png", "a_overlay.png"]
    np.testing.assert_array_equal(read_labels("out/a_labels.png"), fake_labels(image))
    with Image.open("out/a_overlay.png") as overlay:
        assert overlay.width >= 60 and overlay.height > 40
    captured = capsys.readouterr()
    assert "1 of 1 segmented, see out" in captured.out
    assert "keras-seg:" not in captured.err


def test_options(loaded):
    image = photo("a.png")
    assert predict("a.png", "--preset", "my/preset", "--no-legend", "--alpha", 0) == 0
    assert loaded == ["my/preset"]
    with Image.open("out/a_overlay.png") as overlay:
        assert overlay.size == (60, 40)
        inner = np.asarray(overlay)
    kept = (inner == image).all(axis=2)
    line = (inner >= 190).all(axis=2)  # the contours
    assert kept.any() and (kept | line).all()
    assert predict("a.png", "--format", "jpg", "--overwrite") == 0
    with Image.open("out/a_overlay.jpg") as overlay:
        assert overlay.format == "JPEG"


def test_classes_without_names_and_colours(loaded, model, monkeypatch):
    monkeypatch.setattr(model, "class_names", None)
    monkeypatch.setattr(model, "palette", None)
    photo("a.png")
    assert predict("a.png") == 0
    assert written() == ["a_labels.png", "a_overlay.png"]


def huge_png(path):
    """A valid PNG head that claims 30,000 x 30,000 pixels."""

    def chunk(kind, data):
        code = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + code

    side = (30_000).to_bytes(4, "big")
    head = side + side + bytes([8, 2, 0, 0, 0])
    Path(path).write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", b"")
        + chunk(b"IEND", b"")
    )


def bad_inputs():
    """Makes one of each; gives the words for the command line."""
    photo("whole.jpg", 200, 300)
    Path("cut.jpg").write_bytes(Path("whole.jpg").read_bytes()[:2000])
    Path("whole.jpg").unlink()
    Path("text.jpg").write_text("this is no picture")
    Path("empty.png").write_bytes(b"")
    huge_png("huge.png")
    Path("bare").mkdir()
    return [
        "cut.jpg",
        "text.jpg",
        "empty.png",
        "huge.png",
        "bare",
        "missing.jpg",
        "none*.png",
    ]


def test_bad_files_get_one_line_each_and_the_rest_is_processed(loaded, capsys):
    bad = bad_inputs()
    photo("first.png")
    photo("last.png")
    assert predict("first.png", *bad, "last.png") == 1
    assert written() == [
        "first_labels.png",
        "first_overlay.png",
        "last_labels.png",
        "last_overlay.png",
    ]
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if "keras-seg:" in line]
    for word in bad:
        assert sum(word in line for line in lines) == 1, word
    assert len(lines) == len(bad)
    assert "Traceback" not in captured.err
    assert "2 of 9 segmented" in captured.out


def test_model_is_not_loaded_without_images(loaded):
    assert predict("missing.jpg") == 1
    assert loaded == [] and not Path("out").exists()


def test_unusual_images_are_segmented(loaded):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (20, 30), dtype="uint8")
    Image.fromarray(grey).save("grey.png")
    Image.fromarray(grey.astype("uint16") * 257).save("deep.png")
    image = photo("rgb.png")
    Image.fromarray(image).convert("RGBA").save("rgba.png")
    Image.fromarray(image).convert("P").save("palette.png")
    photo("dot.png", 1, 1)
    photo("long.png", 20_000, 10)
    names = ["grey", "deep", "rgb", "rgba", "palette", "dot", "long"]
    assert predict(*[f"{name}.png" for name in names]) == 0
    assert read_labels("out/dot_labels.png").shape == (1, 1)
    assert read_labels("out/long_labels.png").shape == (20_000, 10)
    for name in ("grey", "deep"):
        labels = read_labels(f"out/{name}_labels.png")
        np.testing.assert_array_equal(labels, fake_labels(np.dstack([grey] * 3)))
    for name in ("rgb", "rgba"):
        labels = read_labels(f"out/{name}_labels.png")
        np.testing.assert_array_equal(labels, fake_labels(image))


def test_existing_files_are_kept_without_overwrite(loaded, capsys):
    image = photo("a.png")
    photo("b.png")
    Path("out").mkdir()
    Path("out/a_labels.png").write_text("precious")
    assert predict("a.png", "b.png") == 1
    assert Path("out/a_labels.png").read_text() == "precious"
    assert "--overwrite" in capsys.readouterr().err
    assert written() == ["a_labels.png", "b_labels.png", "b_overlay.png"]
    assert predict("a.png", "b.png", "--overwrite") == 0
    np.testing.assert_array_equal(read_labels("out/a_labels.png"), fake_labels(image))


def test_an_input_is_never_replaced(loaded, capsys):
    photo("out/a.png")
    photo("out/a_labels.png", seed=1)
    before = Path("out/a_labels.png").read_bytes()
    assert predict("out/a.png", "out/a_labels.png", "--overwrite") == 1
    assert Path("out/a_labels.png").read_bytes() == before
    assert "image of this batch" in capsys.readouterr().err


def test_same_names_do_not_collide(loaded, capsys):
    images = [photo(f"{name}.png", seed=i) for i, name in enumerate(["x/a", "y/A"])]
    photo("z/a-2.png")
    assert predict("x", "y", "z") == 0
    assert written() == [
        "A-3_labels.png",
        "A-3_overlay.png",
        "a-2_labels.png",
        "a-2_overlay.png",
        "a_labels.png",
        "a_overlay.png",
    ]
    np.testing.assert_array_equal(
        read_labels("out/A-3_labels.png"), fake_labels(images[1])
    )
    assert "named A-3" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["labels", "overlay"])
def test_a_full_disk_leaves_nothing_behind(loaded, monkeypatch, capsys, word):
    photo("a.png")
    photo("b.png")
    write = Path.write_bytes

    def full_disk(self, data):
        if f"a_{word}" in self.name:
            write(self, bytes(data)[:100])
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    assert predict("a.png", "b.png") == 1
    assert written() == ["b_labels.png", "b_overlay.png"]
    assert "a.png: [Errno 28] No space left" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(loaded, monkeypatch, capsys):
    def read_only(**options):
        raise OSError(errno.EROFS, "Read-only file system")

    photo("a.png")
    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    assert predict("a.png") == 2
    assert "--output out: Read-only file system" in capsys.readouterr().err
    assert loaded == []


def test_errors_of_the_model_do_not_end_the_batch(loaded, monkeypatch, capsys):
    photo("a.png", 41, 41)
    photo("b.png", 42, 42)

    def picky(model, images):
        if images.shape[1] == 41:
            raise RuntimeError("out of memory")
        return run_inference(model, images)

    monkeypatch.setattr("keras_seg.inference.inference_model.run_inference", picky)
    assert predict("a.png", "b.png") == 1
    assert "a.png: RuntimeError: out of memory" in capsys.readouterr().err
    assert written() == ["b_labels.png", "b_overlay.png"]


@pytest.mark.no_backend
def test_unknown_preset_is_one_line(monkeypatch, capsys):
    def load_model(preset):
        raise ValueError(f"Unknown preset {preset}.\nKnown: ecenet/camvid")

    monkeypatch.setattr(models, "load_model", load_model)
    photo("a.png")
    assert predict("a.png", "--preset", "x/y") == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.strip()] == [
        "keras-seg: --preset x/y: Unknown preset x/y. Known: ecenet/camvid"
    ]


@pytest.mark.no_backend
def test_output_that_is_a_file_is_refused(loaded, capsys):
    photo("a.png")
    Path("out").write_text("a file")
    assert predict("a.png") == 2
    assert "--output out" in capsys.readouterr().err


@pytest.mark.no_backend
def test_folders_and_patterns_find_images_once():
    for name in ("b.PNG", "a.jpg", "a_overlay.png", "b_labels.png", ".hidden.png"):
        photo(f"in/{name}")
    photo("in/deep/c.png")
    Path("in/notes.txt").write_text("no image")
    paths, problems = find_images(["in", "in/a.jpg", "in/*", "in/**/*.png"])
    assert [path.name for path in paths] == ["a.jpg", "b.PNG", "c.png"]
    assert problems == []
    # A file that is named is taken, whatever its name; so is one that looks like a
    # pattern.
    photo("in/d[1].png")
    paths, problems = find_images(["in/a_overlay.png", "in/notes.txt", "in/d[1].png"])
    assert len(paths) == 3 and problems == []


@pytest.mark.parametrize("pattern", ["in/**/*.png", "in/**/*", "**/*.png", "in/**"])
def test_links_that_form_loops_end_and_give_each_image_once(pattern):
    photo("in/a.png")
    photo("in/x/b.png")
    for name in "pqr":  # without care 3 ** 40 folders
        os.symlink("..", f"in/x/{name}")
    os.symlink("loop.png", "in/loop.png")
    paths, problems = find_images([pattern])
    assert [path.name for path in paths] == ["a.png", "b.png"] and problems == []


def test_patterns_are_those_of_glob():
    for name in ("a/b/c.png", "a/c.png", "a/b/d/e.png", "b[1]/c.png", ".h/c.png"):
        photo(f"in/{name}")
    for pattern in ("in/**/*.png", "in/*/**/c.png", "in/a/**/d/*.png", "**/c.png"):
        paths, _ = find_images([pattern])
        expected = glob.glob(pattern, recursive=True)
        assert [str(path) for path in paths] == sorted(expected)


def test_a_loop_and_a_pipe_are_one_line_each(loaded, capsys):
    os.symlink("b.png", "a.png")
    os.symlink("a.png", "b.png")
    os.mkfifo("pipe.png")
    assert predict("a.png", "pipe.png") == 1
    lines = capsys.readouterr().err
    assert "a.png" in lines and "pipe.png: not a file but a device" in lines
    assert lines.count("keras-seg: ") == 2


def test_names_that_differ_in_their_unicode_form_alone_do_not_collide():
    paths = [Path("x/caf\u00e9.png"), Path("y/cafe\u0301.png"), Path("z/CAF\u00c9.png")]
    jobs, _, notes = plan_jobs(paths, "out")
    assert [job.labels.name[-12:] for job in jobs[1:]] == ["2_labels.png"] * 1 + [
        "3_labels.png"
    ]
    assert len(notes) == 2


ROOT = Path(keras_seg.__file__).parents[1]
HOSTILE = "a\x1b[31m\nb\u202e\x9b.png"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_control_characters_in_file_names_are_escaped(loaded, capsys, form):
    photo(HOSTILE)
    missing = "c\x1b]0;x\x07\r.png"
    assert predict(HOSTILE, missing, "--shares", form) == 1
    assert predict(HOSTILE) == 1  # the files exist
    with pytest.raises(SystemExit):
        predict(HOSTILE, f"--{missing}")
    captured = capsys.readouterr()
    for text in (captured.out, captured.err):
        assert not set(text) & set("\x1b\x07\x9b\u202e")
        assert "\nb" not in text and "\r.png" not in text
    assert "a\\" in captured.out and "c\\x1b" in captured.err


@pytest.mark.no_backend
def test_plan_is_the_same_each_time():
    paths = [Path("x/a.png"), Path("y/a.png"), Path("y/a.jpg")]
    jobs, problems, notes = plan_jobs(paths, "out")
    assert [job.labels.name for job in jobs] == [
        "a_labels.png",
        "a-2_labels.png",
        "a-3_labels.png",
    ]
    assert problems == [] and len(notes) == 2


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["predict"],
        ["predict", "a.png"],
        ["predict", "a.png", "-o", "out", "--alpha", "2"],
        ["predict", "a.png", "-o", "out", "--alpha", "much"],
    ],
)
def test_wrong_usage_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage: keras-seg" in capsys.readouterr().err


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(keras_seg.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("words", [["--help"], ["predict", "--help"], ["predict"]])
def test_help_and_wrong_usage_are_fast(words):
    command = [sys.executable, "-m", "keras_seg_cli.main", *words]
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60)
        seconds.append(time.monotonic() - start)
    assert min(seconds) < 1.0  # 0.1 on an idle machine; Keras takes several


def run_shell(command):
    """With `keras-seg` for the command and three photos in `in`."""
    for name in "abc":
        photo(f"in/{name}.png")
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
    code += (
        "import numpy as np\n"
        "from types import SimpleNamespace\n"
        "import keras_seg_cli.predict as home\n"
        "from keras_seg_cli.main import main\n"
        "from keras_seg_cli.predictor import Predictor\n"
        "model = SimpleNamespace(num_classes=2, class_names=None, ignore_class=255,\n"
        "                        palette=[[0, 0, 0], [9, 9, 9]])\n"
        "home.load_predictor = lambda options: Predictor(model, None, options)\n"
        "Predictor.write_pictures = lambda *_: np.zeros((4, 4), 'uint8')\n"
        "sys.exit(main())\n"
    )
    Path("keras-seg").write_text(code)
    command = command.replace("keras-seg", f"{sys.executable} keras-seg")
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command, status, error",
    [
        ("keras-seg predict in --shares csv | head -n 1", (0, 1), ""),
        ("keras-seg predict in -o out | true", (0, 1), ""),
        ("keras-seg predict in nowhere -o out 2>&1 | true", (1,), ""),
        ("keras-seg --help | true", (0, 1), ""),
        ("keras-seg predict in -o out >&-", (0,), ""),
        ("keras-seg predict in -o out >&- 2>&-", (0,), ""),
        ("keras-seg predict in --shares csv >&-", (2,), "stdout is closed"),
        ("keras-seg predict in --shares csv > /dev/full", (2,), "No space left"),
        ("keras-seg predict in -o out > /dev/full", (2,), "No space left"),
    ],
)
def test_streams_that_are_closed_or_full(command, status, error):
    done = run_shell(command)
    assert done.returncode in status, done.stderr
    assert error in done.stderr
    assert "Traceback" not in done.stderr and "ignored" not in done.stderr


@pytest.mark.no_backend
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_do_not_wait_for_keras(word):
    done = run_python(
        "import sys\n"
        "from keras_seg_cli.main import main\n"
        "try:\n"
        f"    main([{word!r}])\n"
        "finally:\n"
        "    heavy = {'keras', 'numpy', 'cv2', 'tensorflow'} & set(sys.modules)\n"
        "    print('heavy:', sorted(heavy))\n"
    )
    assert done.returncode == 0, done.stderr
    assert "keras-seg" in done.stdout and "heavy: []" in done.stdout


@pytest.mark.no_backend
def test_runs_as_a_module():
    command = [sys.executable, "-m", "keras_seg_cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("keras-seg ")
    command[-1] = "nonsense"
    assert subprocess.run(command, capture_output=True).returncode == 2
