"""`keras-seg predict --shares`, and the options that change what is segmented."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_model import fake_labels, fake_model
from PIL import Image

import keras_seg_runtime
from keras_seg import inference, models
from keras_seg_cli.class_shares import class_shares, share_names
from keras_seg_cli.image_jobs import find_images
from keras_seg_cli.main import main
from keras_seg_cli.share_writers import CsvWriter

NAMES = ["dark", "red", "green", "uncertain"]


@pytest.fixture(autouse=True)
def quiet_work_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def model():
    return fake_model()


@pytest.fixture(autouse=True)
def loaded(model, monkeypatch):
    def load_model(preset):
        if preset == "unknown":
            raise ValueError("Unknown preset")
        print("a library talks")
        return model

    monkeypatch.setattr(models, "load_model", load_model)


def photo(path, pixels=None):
    """Pixels are `d`ark, `r`ed, `g`reen or `u`nsure between dark and red."""
    colours = {"d": (0, 0, 0), "r": (250, 0, 0), "g": (0, 250, 0), "u": (100, 0, 0)}
    image = np.array([[colours[letter] for letter in row] for row in pixels], "uint8")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def predict(*words):
    return main(["predict", *map(str, words)])


def rows_of(text):
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return [
        {key: value if key == "image" else float(value) for key, value in row.items()}
        for row in rows
    ]


def test_table_lists_present_classes_largest_first(capsys):
    photo("a b.png", ["rrd", "rrd"])
    photo("g.png", ["g"])
    assert predict("a b.png", "g.png", "--shares", "table") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "a b.png  3 x 2",
        "  red         66.7 %",
        "  dark        33.3 %",
        "",
        "g.png  1 x 1",
        "  green      100.0 %",
    ]
    assert "2 of 2 segmented" in captured.err and "a library talks" in captured.err


def test_csv_has_a_column_for_every_class(capsys):
    photo("in/a,b.png", ["rrgd"])
    photo("in/c.png", ["uuur"])
    assert predict("in", "--shares", "csv", "--threshold", 0.9) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0] == "image,dark,red,green,uncertain"
    first, second = rows_of(text)
    assert first == {
        "image": str(Path("in/a,b.png")),
        "dark": 0.25,
        "red": 0.5,
        "green": 0.25,
        "uncertain": 0,
    }
    assert second["uncertain"] == 0.75 and second["red"] == 0.25


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " ="])
def test_no_cell_is_a_formula(start, tmp_path):
    for word in (f"{start}1+1", f"{start}cmd|' /C calc'!A0"):
        stream = io.StringIO(newline="")
        writer = CsvWriter(stream, [word, "sky"])
        writer.write(f"{word}.png", 4, 4, {word: 1.0})
        rows = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
        cells = rows[0][1], rows[1][0]
        assert all(cell.lstrip()[0] not in "=+-@\t\r" for cell in cells)
        assert rows[1][1:] == ["1.0", "0"]


def test_json_is_a_list_of_objects(capsys):
    photo("ä.png", ["rrrd", "rrrd"])
    photo("unsure.png", ["uuur"])
    assert predict("ä.png", "unsure.png", "--shares", "json", "--threshold", 0.9) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "image": "ä.png",
        "width": 4,
        "height": 2,
        "shares": {"red": 0.75, "dark": 0.25},
    }
    assert list(first["shares"]) == ["red", "dark"]
    assert list(second["shares"].items()) == [("red", 0.25), ("uncertain", 0.75)]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_failed_image_does_not_affect_the_rest(form, capsys):
    photo("a.png", ["rd"])
    Path("text.png").write_text("no picture")
    photo("z.png", ["rd"])
    words = ["a.png", "text.png", "missing.png", "z.png"]
    assert predict(*words, "--shares", form) == 1
    captured = capsys.readouterr()
    assert "text.png" in captured.err and "missing.png" in captured.err
    assert "2 of 4 segmented" in captured.err
    if form == "csv":
        images = [row["image"] for row in rows_of(captured.out)]
    elif form == "json":
        images = [entry["image"] for entry in json.loads(captured.out)]
    else:
        images = [line[:5] for line in captured.out.splitlines() if " x " in line]
    assert images == ["a.png", "z.png"]


def test_an_interrupted_list_is_complete_json(monkeypatch, capsys):
    photo("a.png", ["rd"])
    photo("b.png", ["rd"])
    segment = inference.segment

    def interrupted(model, image, **options):
        if answers:
            raise KeyboardInterrupt
        answers.append(segment(model, image, **options))
        return answers[0]

    answers = []
    monkeypatch.setattr(inference, "segment", interrupted)
    assert predict("a.png", "b.png", "--shares", "json") == 130
    assert [e["image"] for e in json.loads(capsys.readouterr().out)] == ["a.png"]


@pytest.mark.no_backend
def test_nothing_to_segment_is_an_empty_list(capsys):
    assert predict("missing.png", "--shares", "json") == 1
    assert json.loads(capsys.readouterr().out) == []


def test_no_pictures_without_output(capsys):
    photo("a.png", ["rd"])
    assert predict("a.png", "--shares", "csv") == 0
    assert [path.name for path in Path().iterdir()] == ["a.png"]


def test_pictures_and_shares(capsys):
    photo("a.png", ["rd"])
    assert predict("a.png", "--shares", "csv", "-o", "out") == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "a_labels.png",
        "a_overlay.png",
    ]
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2 and "see out" in captured.err


# --- --shares-file ------------------------------------------------------------------


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_file_has_the_content_of_stdout(form, capsys):
    photo("ä.png", ["rd"])
    assert predict("ä.png", "--shares", form) == 0
    expected = capsys.readouterr().out
    file = Path("reports/shares.txt")
    assert predict("ä.png", "--shares", form, "--shares-file", file) == 0
    assert file.read_text("utf-8") == expected
    assert f"1 of 1 segmented, see {file}" in capsys.readouterr().out


def test_file_is_kept_without_overwrite(capsys):
    photo("a.png", ["rd"])
    Path("shares.csv").write_text("precious")
    words = ["a.png", "--shares", "csv", "--shares-file", "shares.csv"]
    assert predict(*words) == 2
    assert "shares.csv exists, pass --overwrite" in capsys.readouterr().err
    assert predict(*words, "--overwrite", "--preset", "unknown") == 2
    assert Path("shares.csv").read_text() == "precious"
    assert predict(*words, "--overwrite") == 0
    assert len(rows_of(Path("shares.csv").read_text())) == 1


@pytest.mark.no_backend
@pytest.mark.parametrize("file", ["a.png", "out/../a.png", "out/a_labels.png", "."])
def test_file_never_replaces_an_image_or_a_result(file, capsys):
    photo("a.png", ["rd"])
    before = Path("a.png").read_bytes()
    words = ["--shares", "csv", "--shares-file", file, "-o", "out", "--overwrite"]
    assert predict("a.png", *words) == 2
    assert f"--shares-file {file} is " in capsys.readouterr().err
    assert Path("a.png").read_bytes() == before and not Path("out").exists()


def test_file_that_cannot_be_written_is_one_line(capsys):
    photo("a.png", ["rd"])
    Path("file").write_text("no folder")
    words = ["--shares", "csv", "--shares-file", "file/shares.csv"]
    assert predict("a.png", *words) == 2
    assert "--shares-file file/shares.csv: " in capsys.readouterr().err


@pytest.mark.no_backend
def test_usage_names_what_is_missing(capsys):
    for words, message in [
        (["a.png"], "give --output DIR for pictures, or --shares"),
        (["a.png", "-o", "out", "--shares-file", "x"], "needs --shares"),
        (["a.png", "--shares", "xml"], "invalid choice"),
        (["a.png", "-o", "out", "--threshold", "2"], "--threshold"),
        (["a.png", "-o", "out", "--long-side", "-3"], "--long-side"),
        (["a.png", "-o", "out", "--long-side", "1.5"], "--long-side"),
    ]:
        with pytest.raises(SystemExit) as stop:
            predict(*words)
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


def test_a_closed_pipe_ends_the_command_quietly():
    code = (
        "import sys\n"
        "import keras_seg_cli.main as cli, keras_seg_cli.predict as home\n"
        "def predict(options):\n"
        "    for _ in range(100_000):\n"
        "        print('much output')\n"
        "home.predict = predict\n"
        "sys.exit(cli.main(['predict', 'a.png', '--shares', 'csv']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(inference.__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "much output\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 1


# --- names and shares ---------------------------------------------------------------


@pytest.mark.no_backend
def test_names_all_differ():
    assert share_names(None, 2) == ["class 0", "class 1", "uncertain"]
    assert share_names(["a", "a", "a (1)", "a"], 4) == [
        "a",
        "a (1) (1)",
        "a (1)",
        "a (3)",
        "uncertain",
    ]
    assert share_names(["uncertain"], 1) == ["uncertain", "uncertain (1)"]


@pytest.mark.no_backend
@pytest.mark.parametrize("void", [255, -1])
def test_shares_of_a_label_map_add_up(void):
    labels = np.random.default_rng(0).choice([0, 2, void], (30, 40), p=[0.3, 0.6, 0.1])
    shares = class_shares(labels, NAMES, void)
    assert list(shares) == ["green", "dark", "uncertain"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["dark"] == np.mean(labels == 0)
    assert shares["uncertain"] == np.mean(labels == void)


# --- --threshold, --long-side and the inputs ----------------------------------------


def test_uncertain_pixels_are_not_coloured_but_named(monkeypatch):
    photo("a.png", ["u" * 60] * 20 + ["r" * 60] * 20)
    names = []
    draw = keras_seg_runtime.draw_overlay

    def draw_overlay(*arguments, **options):
        names.append(options["void_name"])
        return draw(*arguments, **options)

    monkeypatch.setattr(keras_seg_runtime, "draw_overlay", draw_overlay)
    assert predict("a.png", "-o", "out", "--threshold", 0.9, "--no-legend") == 0
    with Image.open("out/a_labels.png") as picture:
        labels = np.asarray(picture)
    assert (labels[:20] == 255).all() and (labels[20:] == 1).all()
    with Image.open("out/a_overlay.png") as picture:
        overlay = np.asarray(picture)
    assert (overlay[:19] == (100, 0, 0)).all()
    assert (overlay[22:] != (250, 0, 0)).any(axis=2).all()
    assert names == ["uncertain"]


def test_long_side_is_passed_on(model, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype="uint8")
    Image.fromarray(image).save("a.png")
    found = {}
    monkeypatch.setattr(model, "long_side", 30, raising=False)
    for words in ([], ["--long-side", 20], ["--long-side", 0]):
        assert predict("a.png", "-o", "out", "--overwrite", *words) == 0
        with Image.open("out/a_labels.png") as picture:
            found[str(words)] = np.asarray(picture)
    whole = found.pop("['--long-side', 0]")
    np.testing.assert_array_equal(whole, fake_labels(image))
    model_size, given = found.values()
    assert model_size.shape == given.shape == (40, 60)
    assert (model_size != given).any() and (model_size != whole).any()


@pytest.mark.no_backend
def test_patterns_go_into_folders_but_not_into_hidden_ones():
    for name in ("a b.png", "c/d e.PNG", "c/f/g.jpg", ".git/h.png", "c/.i.png"):
        photo(f"in/{name}", ["rd"])
    paths, problems = find_images(["in/**/*", "in/c", "./in/../in/a b.png"])
    assert [path.relative_to("in").as_posix() for path in paths] == [
        "a b.png",
        "c/d e.PNG",
        "c/f/g.jpg",
    ]
    assert problems == []
