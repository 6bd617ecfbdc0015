"""Images find their masks by name, in folders and lists of any kind."""

import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import SegmentationFolder, check_dataset
from keras_seg.data.files.pair_files import pair_files
from keras_seg_cli import image_jobs
from keras_seg_runtime.images.open_image import IMAGE_SUFFIXES

pytestmark = pytest.mark.no_backend


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def paired(root, images="i", masks="m", **options):
    """Pairs as names, and the kinds of problems."""
    pairs, problems = pair_files(str(root / images), root / masks, **options)
    named = [tuple(os.path.relpath(p, root) for p in pair) for pair in pairs]
    return named, [problem.kind for problem in problems]


def test_nested_folders_and_what_is_no_image(tmp_path):
    touch(tmp_path, "i/a/1.jpg", "i/b/1.JPG", "i/2.jfif", "i/Thumbs.db")
    touch(tmp_path, "m/a/1.png", "m/b/1.PNG", "m/2.tif", "m/._2.png", "m/.git/3.png")
    (tmp_path / "m" / "x.png").mkdir()
    pairs, problems = paired(tmp_path)
    assert pairs == [
        ("i/2.jfif", "m/2.tif"),
        ("i/a/1.jpg", "m/a/1.png"),
        ("i/b/1.JPG", "m/b/1.PNG"),
    ]
    assert problems == []


def test_links_between_folders_end(tmp_path):
    touch(tmp_path, "i/a/1.jpg", "m/a/1.png")
    for kind in "im":
        (tmp_path / kind / "a" / "up").symlink_to(tmp_path / kind)
    (tmp_path / "i" / "self.png").symlink_to("self.png")
    pairs, problems = paired(tmp_path)
    assert pairs == [("i/a/1.jpg", "m/a/1.png")] and problems == ["images without mask"]


def test_masks_inside_the_folder_of_images(tmp_path):
    touch(tmp_path, "i/a.jpg", "i/masks/a.png")
    assert paired(tmp_path, "i", "i/masks") == ([("i/a.jpg", "i/masks/a.png")], [])


@pytest.mark.parametrize("suffix", ["_mask", "-seg", " (label)", "_L"])
@pytest.mark.parametrize("given", [True, False])
def test_suffix(tmp_path, suffix, given):
    touch(tmp_path, "i/img1.jpg", "i/img10.jpg", "i/x/img1.jpg")
    touch(tmp_path, *(f"m/{n}{suffix}.png" for n in ("img1", "img10", "x/img1")))
    options = {"mask_suffix": suffix} if given else {}
    pairs, problems = paired(tmp_path, **options)
    assert problems == [] and len(pairs) == 3
    assert pairs[0] == ("i/img1.jpg", f"m/img1{suffix}.png")
    assert pairs[2] == ("i/x/img1.jpg", f"m/x/img1{suffix}.png")


@pytest.mark.parametrize("mask_suffix", [None, "_mask", "_mask.png"])
def test_one_folder(tmp_path, mask_suffix):
    touch(tmp_path, "i/a.rf.1f.jpg", "i/a.rf.1f_mask.png", "i/b.jpg", "i/b_mask.png")
    pairs, problems = paired(tmp_path, "i", "i", mask_suffix=mask_suffix)
    assert problems == []
    assert pairs == [
        ("i/a.rf.1f.jpg", "i/a.rf.1f_mask.png"),
        ("i/b.jpg", "i/b_mask.png"),
    ]


@pytest.mark.parametrize(
    "names", [("a.jpg", "b.jpg"), ("img1.jpg", "img10.jpg"), ("a.jpg", "a_1.jpg")]
)
def test_one_folder_without_a_suffix(tmp_path, names):
    touch(tmp_path, *(f"i/{name}" for name in names))
    with pytest.raises(ValueError, match="mask_suffix='_mask'"):
        paired(tmp_path, "i", "i")


def test_numbers_are_no_suffix(tmp_path):
    touch(tmp_path, "i/img1.png", "m/img10.png", "m/img1_0.png")
    assert paired(tmp_path)[0] == []


def test_unicode_forms_and_upper_case(tmp_path):
    name = "Bäume_été"
    touch(tmp_path, f"i/{unicodedata.normalize('NFD', name)}.jpg", "i/IMG_1.JPG")
    touch(tmp_path, f"m/{unicodedata.normalize('NFC', name)}.png", "m/img_1.png")
    pairs, problems = paired(tmp_path)
    assert len(pairs) == 2 and problems == []


def test_two_files_of_one_name(tmp_path):
    touch(tmp_path, "i/a.jpg", "i/a.png", "m/a.png")
    assert paired(tmp_path)[1] == ["two files of one name"]
    with pytest.raises(ValueError, match="a.jpg, a.png.*Keep one"):
        SegmentationFolder(tmp_path / "i", tmp_path / "m", num_classes=2)


LISTS = [
    ("i/img1.jpg", "i/img10.jpg", "i/img2.jpg"),
    ("m/1.png", "m/10.png", "m/2.png"),
]


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array])
def test_any_iterable(kind):
    pairs, problems = pair_files(kind(LISTS[0]), kind(LISTS[1]))
    assert pairs == list(zip(*LISTS, strict=True)) and problems == []
    pairs, _ = pair_files([os.fsencode(LISTS[0][0])], [os.fsencode(LISTS[1][0])])
    assert pairs == [("i/img1.jpg", "m/1.png")]


@pytest.mark.parametrize(
    "masks",
    [
        ("m/img1.png", "m/img2.png", "m/img10.png"),
        ("m/img1_mask.png", "m/img2_mask.png", "m/img10_mask.png"),
        ("m/mask_1.png", "m/mask_2.png", "m/mask_10.png"),
    ],
)
def test_lists_in_different_orders(masks):
    pairs, (problem,) = pair_files(LISTS[0], masks)
    assert pairs == list(zip(LISTS[0], masks, strict=True))
    assert problem.kind == "names in another order" and problem.severity == "warning"
    assert "2 images" in problem.found and "img10.jpg" in problem.found
    if "mask_1" not in masks[0]:
        suffix = "_mask" if "_mask" in masks[0] else ""
        pairs, problems = pair_files(LISTS[0], masks, mask_suffix=suffix)
        assert problems == [] and ("i/img10.jpg", masks[2]) in pairs


def test_lists_that_lack_different_files():
    images = ["i/1.jpg", "i/2.jpg", "i/3.jpg", "i/5.jpg"]
    masks = ["m/1.png", "m/3.png", "m/4.png", "m/5.png"]
    _, problems = pair_files(images, masks)
    assert [p.kind for p in problems] == ["names in another order"]


@pytest.mark.parametrize("masks", [["m/x.png", "m/y.png"], ["m/b_7.png", "m/a_9.png"]])
def test_names_that_have_nothing_in_common_are_no_problem(masks):
    assert pair_files(["i/1.jpg", "i/2.jpg"], masks)[1] == []


def test_order_is_said_when_a_source_is_made_and_when_it_is_checked(tmp_path):
    names = ["img1", "img2", "img10"]
    for name in names:
        for kind, mode in (("i", "RGB"), ("m", "L")):
            (tmp_path / kind).mkdir(exist_ok=True)
            end = "_mask" if kind == "m" else ""
            Image.new(mode, (40, 40)).save(tmp_path / kind / f"{name}{end}.png")
    lists = [sorted((tmp_path / kind).glob("*.png")) for kind in "im"]
    with pytest.warns(UserWarning, match="different orders.*mask_suffix"):
        source = SegmentationFolder(*lists, num_classes=2)
    for data in (source, lists, tuple(map(iter, lists)), zip(*lists, strict=True)):
        report = check_dataset(data)
        assert "names in another order" in [p["kind"] for p in report.problems]
    source = SegmentationFolder(*lists, num_classes=2, mask_suffix="_mask")
    assert "names in another order" not in str(check_dataset(source))


@pytest.mark.parametrize(
    "images, masks, message",
    [
        ("i/*.png", "m", "No such folder.*glob.glob"),
        ("i/a.jpg", "m", "is a file, expected a folder"),
        ({"i/a.jpg"}, {"m/a.png"}, "ordered"),
        ("i", ["m/a.png"], "two folders, or two lists"),
        ([], [], "glob.escape"),
    ],
)
def test_what_is_not_understood_is_said(tmp_path, monkeypatch, images, masks, message):
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "i/a.jpg", "m/a.png")
    with pytest.raises(ValueError, match=message):
        SegmentationFolder(images, masks, num_classes=2)


def test_names_of_nested_files_differ(tmp_path):
    touch(tmp_path, "i/a/1.jpg", "i/b/1.jpg", "m/a/1.png", "m/b/1.png")
    source = SegmentationFolder(tmp_path / "i", tmp_path / "m", num_classes=2)
    assert source.names == [os.path.join("a", "1"), os.path.join("b", "1")]


def test_the_command_line_knows_the_same_files(tmp_path):
    assert image_jobs.IMAGE_SUFFIXES == IMAGE_SUFFIXES
    touch(tmp_path, "photos [2024]/a.JPG", "photos [2024]/b.png")
    folder = tmp_path / "photos [2024]"
    assert image_jobs.find_images([f"{folder}/*.JPG"]) == ([folder / "a.JPG"], [])
    assert len(image_jobs.find_images([f"{tmp_path}/**/*.png"])[0]) == 1


def test_control_characters_of_names_never_reach_the_terminal(tmp_path, capsys):
    touch(tmp_path, "i/a\x1b[31m\nb.png", "m/other.png", "i/c.png", "m/c.png")
    check_dataset((tmp_path / "i", tmp_path / "m"))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and "\\x1b[31m\\nb.png" in printed


def test_lists_of_the_same_files(tmp_path):
    touch(tmp_path, "i/1.png", "i/2.png", "m/2.png")
    images = [tmp_path / "i" / name for name in ("1.png", "2.png")]
    for masks in (images, [str(images[0]), tmp_path / "m" / "2.png"]):
        with pytest.raises(ValueError, match="their own masks: 1.png"):
            SegmentationFolder(images, masks, num_classes=2)
