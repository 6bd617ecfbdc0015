"""`check_dataset` finds every fault, and its fixes work."""

import handmade_files
import numpy as np
import pytest
from PIL import Image

from keras_seg.data import (
    CachedSource,
    SegmentationFolder,
    SubsetSource,
    check_dataset,
)
from keras_seg.data.files.read_mat_mask import read_mat_mask

pytestmark = pytest.mark.no_backend

SIZE = (40, 50)


@pytest.fixture
def data(tmp_path):
    """A function that writes masks, with images of their size, and the folders."""

    class Data:
        folders = (tmp_path / "images", tmp_path / "masks")

        def add(self, name, mask, image_size=None, suffix="png", **options):
            if isinstance(mask, (list, tuple)):  # ids to spread over the mask
                mask = np.resize(np.array(mask, "uint8"), SIZE)
            height, width = image_size or mask.shape[:2]
            image = Image.new("RGB", (width, height), (10, 20, 30))
            image.save(self.folders[0] / f"{name}.jpg")
            Image.fromarray(mask).save(self.folders[1] / f"{name}.{suffix}", **options)

        def source(self, **arguments):
            return SegmentationFolder(*self.folders, **arguments)

    for folder in Data.folders:
        folder.mkdir()
    return Data()


def kinds(report):
    return [problem["kind"] for problem in report.problems]


def fixed(data, fix):
    """Read the data set with the arguments that a fix names."""
    arguments = eval(f"dict({fix})")  # noqa: S307
    return [np.unique(label).tolist() for _, label in data.source(**arguments)]


def test_nothing_to_report(data, capsys):
    data.add("a", [0, 1, 255])
    data.add("b", [2, 2, 1, 2])
    report = check_dataset(data.source(class_names=["sky", "road", "car"]))
    assert report.ok and report.problems == []
    assert report.pixel_counts == {0: 667, 1: 1167, 2: 1500, 255: 666}
    assert report.image_counts == {0: 1, 1: 2, 2: 1, 255: 1}
    assert report.sizes == {SIZE: 2} and report.num_checked == report.num_pairs == 2
    printed = capsys.readouterr().out
    assert "No problems found" in printed and "40 x 50 (2)" in printed
    assert "road" in printed and "void" in printed


def test_0_and_255(data, capsys):
    data.add("a", [0, 255])
    report = check_dataset(data.folders, num_classes=2)
    assert kinds(report) == ["0 and 255"] and not report.ok
    assert "id_map={255: 1}" in capsys.readouterr().out
    assert fixed(data, "num_classes=2, id_map={255: 1}") == [[0, 1]]


@pytest.mark.parametrize("ids", [(0, 128), (0, 85, 170, 255)])
def test_ids_spread_to_be_visible(data, ids):
    data.add("a", ids)
    report = check_dataset(data.folders)
    assert kinds(report) == ["spread ids"]
    assert fixed(data, report.problems[0]["fix"]) == [list(range(len(ids)))]
    report = check_dataset(data.folders, num_classes=len(ids))
    assert kinds(report) == ["ids out of range"]
    fix = report.problems[0]["fix"].split(": ", 1)[1]
    assert fixed(data, f"num_classes={len(ids)}, {fix}") == [list(range(len(ids)))]


def test_ids_from_1(data):
    data.add("a", [1, 2, 3])
    report = check_dataset(data.folders)
    assert kinds(report) == ["ids from 1"]
    assert fixed(data, report.problems[0]["fix"]) == [[0, 1, 2]]
    report = check_dataset(data.folders, num_classes=3)
    assert kinds(report) == ["ids from 1"]
    fix = report.problems[0]["fix"].split(": ", 1)[1]
    assert fixed(data, f"num_classes=3, {fix}") == [[0, 1, 2]]


def test_void_beyond_the_classes(data):
    data.add("a", [0, 1, 2, 3])
    report = check_dataset(data.source(num_classes=3))
    assert kinds(report) == ["ids out of range"]
    assert "void_ids=(3,)" in report.problems[0]["fix"]
    assert fixed(data, "num_classes=3, void_ids=(3,)") == [[0, 1, 2, 255]]


def test_ids_far_out_of_range(data, capsys):
    data.add("good", [0, 1, 2])
    data.add("bad", [0, 1, 2, 77, 99])
    report = check_dataset(data.folders, num_classes=4)
    assert kinds(report) == ["ids out of range"]
    assert "void_ids=(77, 99)" in report.problems[0]["fix"]
    assert "77, 99" in report.problems[0]["found"]
    assert report.problems[0]["found"].endswith("Some of the masks: bad.png.")
    assert "OUT OF RANGE" in capsys.readouterr().out


def test_absent_classes_and_gaps(data):
    data.add("a", [0, 1, 3])
    report = check_dataset(data.source(class_names=["a", "b", "lamp", "d"]))
    assert kinds(report) == ["absent classes"] and report.ok
    assert "2 (lamp)" in report.problems[0]["found"]
    report = check_dataset(data.folders)
    assert kinds(report) == ["gaps"]
    assert "num_classes=3, id_map={3: 2}" in report.problems[0]["fix"]


def test_blended_masks(data):
    mask = np.zeros((100, 100), "uint8")
    mask[:, 50:] = 255
    mask[0, :64] = np.arange(64) * 4
    data.add("a", mask)
    assert kinds(check_dataset(data.folders, num_classes=2)) == ["blended ids"]


def test_rgb_masks(data, capsys):
    colours = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0)], "uint8")
    data.add("a", colours[np.resize([0, 1, 2], SIZE)])
    data.add("b", colours[np.resize([0, 1, 1], SIZE)])
    report = check_dataset(data.folders)
    assert kinds(report) == ["RGB masks"] and len(report.problems[0]["files"]) == 2
    fix = report.problems[0]["fix"]
    palette = "mask_palette=[(0, 0, 0), (0, 128, 0), (128, 0, 0)]"
    assert palette in fix and palette in capsys.readouterr().out
    assert fixed(data, f"num_classes=3, {palette}") == [[0, 1, 2], [0, 2]]
    source = data.source(num_classes=3, mask_palette=[(0, 0, 0), (128, 0, 0)])
    report = check_dataset(source)
    assert kinds(report)[0] == "unreadable masks"
    assert "(0, 128, 0)" in report.problems[0]["found"]


@pytest.mark.parametrize("values, ids", [((0, 1, 2), [0, 1, 2]), ((0, 255), [0, 1])])
def test_rgb_masks_of_grey_levels(data, values, ids):
    mask = np.resize(np.array(values, "uint8"), SIZE)
    data.add("a", mask[..., None].repeat(3, -1))
    fix = check_dataset(data.folders).problems[0]["fix"]
    arguments = fix.split(": ", 1)[1]
    assert fixed(data, f"num_classes=3, {arguments}") == [ids]


def test_photos_in_place_of_masks(data):
    rng = np.random.default_rng(0)
    data.add("a", rng.integers(0, 256, (*SIZE, 3), dtype="uint8"))
    report = check_dataset(data.folders)
    assert kinds(report) == ["RGB masks"]
    assert "too many for classes" in report.problems[0]["found"]


def test_palette_and_16_bit_masks_are_fine(data):
    ids = np.resize([0, 1, 2], SIZE)
    data.add("wide", ids.astype("uint16"))
    data.add("palette", ids.astype("uint8"))
    path = data.folders[1] / "palette.png"
    with Image.open(path) as image:
        image.putpalette([9, 9, 9, 90, 0, 0, 0, 90, 0])
        image.save(path)
    report = check_dataset(data.source(num_classes=3))
    assert report.problems == [] and report.image_counts == {0: 2, 1: 2, 2: 2}


def test_ids_of_objects(data):
    data.add("a", np.arange(2000, dtype="uint16").reshape(SIZE))
    assert "too many ids" in kinds(check_dataset(data.folders))


def test_faulty_files_never_stop_the_check(data, capsys):
    data.add("good", [0, 1])
    data.add("lossy", [0, 1], suffix="jpg")
    data.add("sizes", [0, 1], image_size=(40, 40))
    data.add("turned", [0, 1], image_size=SIZE[::-1])
    data.add("void", [255])
    data.add("dot", np.zeros((1, 1), "uint8"))
    data.add("strip", np.zeros((40, 2000), "uint8"))
    data.add("text", [0, 1])
    (data.folders[0] / "text.jpg").write_text("not an image at all")
    data.add("cut", [0, 1], image_size=SIZE)
    cut = data.folders[0] / "cut.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype="uint8")
    Image.fromarray(noise).save(cut)
    cut.write_bytes(cut.read_bytes()[:1000])
    data.add("broken", [0, 1])
    (data.folders[1] / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    data.add("lonely image", [0, 1])
    (data.folders[1] / "lonely image.png").unlink()
    data.add("lonely mask", [0, 1])
    (data.folders[0] / "lonely mask.jpg").unlink()

    report = check_dataset(data.folders, num_classes=2)
    found = {
        p["kind"]: [str(f).split("/")[-1] for f in p["files"]] for p in report.problems
    }
    assert found == {
        "images without mask": [],
        "masks without image": [],
        "unreadable images": ["cut.jpg", "text.jpg"],
        "unreadable masks": ["broken.png"],
        "JPEG masks": ["lossy.jpg"],
        "sizes differ": ["sizes.png", "turned.png"],
        "tiny images": ["dot.jpg"],
        "long images": ["strip.jpg"],
        "all void": ["void.png"],
    }
    assert report.num_pairs == report.num_checked == 10
    printed = capsys.readouterr().out
    for name in ("lonely image.jpg", "lonely mask.png", "text.jpg", "JPEG", "void.png"):
        assert name in printed
    assert "Errors: 5, warnings: 4." in printed


def test_cached_source_is_checked_by_its_files(data):
    data.add("a", [0, 1])
    data.add("b", [0, 9])
    report = check_dataset(CachedSource(data.source(num_classes=2)))
    assert kinds(report) == ["ids out of range"] and report.num_pairs == 2


def test_limit_and_empty(data):
    assert kinds(check_dataset(data.folders)) == ["empty"]
    for i in range(9):
        data.add(f"{i}", [0, 1])
    report = check_dataset(data.folders, num_classes=2, limit=3)
    assert (report.num_checked, report.num_pairs) == (3, 9)


def test_other_sources():
    good = np.zeros((*SIZE, 3), "uint8"), np.zeros(SIZE, "uint8")
    pairs = [
        good,
        (good[0] / 255.0, good[1]),
        (good[0], good[1][..., None]),
        (good[0], good[1][:-1]),
    ]
    report = check_dataset(pairs, num_classes=2)
    assert kinds(report)[:3] == ["shape of images", "shape of labels", "sizes differ"]
    assert report.problems[2]["files"] == ["pair 3"]

    class Broken(list):
        def __getitem__(self, index):
            raise OSError("disk on fire")

    report = check_dataset(Broken(pairs), num_classes=2)
    assert "disk on fire" in report.problems[0]["found"]
    assert len(report.problems[0]["files"]) == 4


def white(strays=(), ids=(0, 255)):
    """A mask of two halves with a few other pixels."""
    mask = np.full((100, 100), ids[0], "uint8")
    mask[:, 60:] = ids[1]
    for row, stray in enumerate(strays):
        mask[row, 58:60] = stray
    return mask


@pytest.mark.parametrize("strays", [(128,), (77, 200), (3, 127, 128, 254)])
@pytest.mark.parametrize("num_classes", [None, 2])
@pytest.mark.parametrize("ignore_class", [255, -1])
def test_strays_at_the_edge_of_white(data, strays, num_classes, ignore_class):
    data.add("a", white(strays))
    report = check_dataset(data.folders, num_classes, ignore_class)
    assert kinds(report) == ["0 and 255"]
    fix = report.problems[0]["fix"]
    assert "void_ids" not in fix and str(strays[0]) in report.problems[0]["found"]
    arguments = fix.removeprefix("SegmentationFolder(images, masks, ")[:-1]
    expected = (white(strays) > 127).astype("uint8")
    arguments = eval(f"dict({arguments})")  # noqa: S307
    np.testing.assert_array_equal(data.source(**arguments)[0][1], expected)


@pytest.mark.parametrize("strays, num_classes", [((1,), 2), ((1,), None), ((5,), None)])
def test_a_rare_class_beside_void_is_no_stray(data, strays, num_classes):
    data.add("a", white(strays))
    assert "0 and 255" not in kinds(check_dataset(data.folders, num_classes))


def test_a_threshold_for_blended_black_and_white(data):
    mask = white(range(1, 80))
    data.add("a", mask)
    (problem,) = check_dataset(data.folders, num_classes=2).problems
    assert problem["kind"] == "blended ids" and "i > 127" in problem["fix"]


def test_white_among_many_classes(data):
    data.add("a", white())
    report = check_dataset(data.source(num_classes=5))
    assert kinds(report)[0] == "0 and 255" and report.ok


def test_one_class(data):
    data.add("a", [0, 1])
    report = check_dataset(data.folders, num_classes=1)
    assert kinds(report)[0] == "one class" and not report.ok
    assert "num_classes=2" in report.problems[0]["fix"]
    data.add("a", [0])
    for num_classes in (None, 2):
        assert "num_classes=1" not in str(check_dataset(data.folders, num_classes))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.filterwarnings("error")
def test_masks_in_the_alpha_channel(data, mode):
    data.add("a", white())
    path = data.folders[1] / "a.png"
    alpha = Image.fromarray(white())
    black = Image.new("L", alpha.size)
    Image.merge(mode, [*[black] * (len(mode) - 1), alpha]).save(path)
    report = check_dataset(data.folders, num_classes=2)
    assert kinds(report)[0] == "alpha channel" and "RGB masks" not in kinds(report)
    assert not report.ok and "getchannel('A')" in report.problems[0]["found"]
    palette = [(0, 0, 0), (255, 255, 255)]
    report = check_dataset(data.source(num_classes=2, mask_palette=palette))
    assert kinds(report)[0] == "alpha channel"


def test_incomplete_masks(data):
    data.add("a", white(ids=(0, 1)))
    handmade_files.png(data.folders[1] / "a.png", white(ids=(0, 1)), rows=50)
    assert kinds(check_dataset(data.folders, num_classes=2))[0] == "unreadable masks"


def test_a_subset_is_checked_alone(data):
    for i, ids in enumerate([(0, 1), (0, 9), (0, 1)]):
        data.add(f"{i}", ids)
    source = data.source(num_classes=2)
    good = [i for i in range(3) if i != 1]
    chosen = next(
        s for s in range(50) if sorted(SubsetSource(source, 2, s).indices) == good
    )
    subset = SubsetSource(source, 2, chosen)
    report = check_dataset(subset)
    assert report.problems == [] and report.num_pairs == 2
    assert subset.pairs == [source.pairs[i] for i in subset.indices]


def test_masks_of_matlab_are_checked(data, tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    image = data.folders[0] / "x.jpg"
    Image.new("RGB", (50, 40)).save(image)
    mask = tmp_path / "x.mat"
    scipy_io.savemat(mask, {"S": np.resize([0, 1], SIZE).astype("uint8")})

    class Source(SegmentationFolder):
        def read_ids(self, path):
            return read_mat_mask(path, "S")

    report = check_dataset(Source([image], [mask], num_classes=2))
    assert report.problems == [] and report.image_counts == {0: 1, 1: 1}
