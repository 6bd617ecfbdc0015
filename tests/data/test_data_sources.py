"""Sources pair files, map ids, and refuse what would train wrongly."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_seg import visualization
from keras_seg.data import (
    CachedSource,
    CamVid,
    RepeatedSource,
    SegmentationFolder,
    SubsetSource,
    TFDSSource,
    default_palette,
    load_source,
)
from keras_seg.data.sources.coco_stuff import COCO_STUFF_COLOURS
from keras_seg.data.sources.load_source import DATA_SETS
from keras_seg_cli import evaluate

pytestmark = pytest.mark.no_backend

CAMVID = os.environ.get("KERAS_SEG_CAMVID")


def write(root, masks, suffix=".jpg", size=None):
    for kind in ("images", "masks"):
        os.makedirs(root / kind, exist_ok=True)
    for name, mask in masks.items():
        mask = np.asarray(mask, "uint8")
        height, width = size or mask.shape
        Image.new("RGB", (width, height)).save(root / "images" / f"{name}{suffix}")
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
    return root / "images", root / "masks"


def test_ids_are_mapped(tmp_path):
    folders = write(tmp_path, {"b": [[0, 7, 40, 255]], "a": [[0, 0, 0, 0]]})
    source = SegmentationFolder(
        *folders, num_classes=3, void_ids=(0,), id_map={40: 2, 7: 0}
    )
    assert len(source) == 2 and source.names == ["a", "b"]
    image, label = source[1]
    assert image.shape == (1, 4, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(label, [[255, 0, 2, 255]])
    assert label.dtype == np.uint8
    assert source.palette.shape == (3, 3) and len(set(map(tuple, source.palette))) == 3
    assert source.class_names == ["class 0", "class 1", "class 2"]


def test_swapped_ids_are_not_mapped_twice(tmp_path):
    folders = write(tmp_path, {"a": [[0, 1, 2]]})
    source = SegmentationFolder(*folders, num_classes=3, id_map={0: 1, 1: 2, 2: 0})
    np.testing.assert_array_equal(source[0][1], [[1, 2, 0]])


def test_ignore_class_may_be_negative(tmp_path):
    folders = write(tmp_path, {"a": [[0, 9]]})
    source = SegmentationFolder(*folders, num_classes=2, void_ids=[9], ignore_class=-1)
    np.testing.assert_array_equal(source[0][1], [[0, -1]])


def test_lists_of_paths_are_paired_in_order(tmp_path):
    images, masks = write(tmp_path, {"a": [[0]], "b": [[1]]})
    with pytest.warns(UserWarning, match="different orders"):
        source = SegmentationFolder(
            [images / "a.jpg", images / "b.jpg"],
            [masks / "b.png", masks / "a.png"],
            num_classes=2,
        )
    assert [int(source[i][1][0, 0]) for i in (0, 1)] == [1, 0]
    with pytest.raises(ValueError, match="2 images and 1 masks"):
        SegmentationFolder(
            [images / "a.jpg", images / "b.jpg"], [masks / "a.png"], num_classes=2
        )


def test_names_of_lists_are_as_long_as_they_differ(tmp_path):
    folders = [write(tmp_path / scene, {"0": [[0]], "1": [[1]]}) for scene in "ab"]
    images = [images / f"{i}.jpg" for images, _ in folders for i in range(2)]
    masks = [masks / f"{i}.png" for _, masks in folders for i in range(2)]
    source = SegmentationFolder(images[:2], masks[:2], num_classes=2)
    assert source.names == ["0", "1"]
    source = SegmentationFolder(images, masks, num_classes=2)
    inside = images[0].parent.relative_to(tmp_path / "a")
    assert source.names == [str(Path(s, inside, n)) for s in "ab" for n in "01"]


def test_class_names_differ(tmp_path):
    folders = write(tmp_path, {"a": [[0]]})
    with pytest.raises(ValueError, match="Repeated: 'x'"):
        SegmentationFolder(*folders, class_names=["x", "y", "x"])


def test_missing_mask_is_named(tmp_path):
    images, masks = write(tmp_path, {"a": [[0]], "lonely": [[0]]})
    os.remove(masks / "lonely.png")
    with pytest.raises(ValueError, match="1 images have no mask.*lonely.jpg"):
        SegmentationFolder(images, masks, num_classes=2)


def test_wrong_ids_and_sizes_are_named(tmp_path):
    folders = write(tmp_path, {"bad": [[0, 3, 9]]})
    with pytest.raises(ValueError, match=r"bad\.png' holds the ids \[3, 9\].*0 to 2"):
        SegmentationFolder(*folders, num_classes=3)[0]
    folders = write(tmp_path, {"bad": [[0, 0]]}, size=(4, 5))
    with pytest.raises(ValueError, match="4 x 5 pixels and its mask.*1 x 2"):
        SegmentationFolder(*folders, num_classes=3)[0]


def test_bad_arguments(tmp_path):
    folders = write(tmp_path, {"a": [[0]]})
    with pytest.raises(ValueError, match="num_classes="):
        SegmentationFolder(*folders)
    with pytest.raises(ValueError, match="2 names, expected `num_classes=3`"):
        SegmentationFolder(*folders, num_classes=3, class_names=["a", "b"])
    with pytest.raises(ValueError, match="`ignore_class=1` is the id of a class"):
        SegmentationFolder(*folders, num_classes=3, ignore_class=1)
    with pytest.raises(ValueError, match="No such folder"):
        SegmentationFolder(tmp_path / "gone", folders[1], num_classes=3)


def test_camvid_layout(tmp_path):
    for split, value in (("train", 10), ("val", 11)):
        for kind, mode, suffix in (("images", "RGB", "jpg"), ("labels", "L", "png")):
            os.makedirs(tmp_path / kind / split)
            image = Image.new(mode, (4, 3), value if mode == "L" else 0)
            image.save(tmp_path / kind / split / f"{split}.{suffix}")
    both = CamVid(tmp_path, "train+val")
    assert both.names == ["train", "val"] == CamVid(tmp_path, ["train", "val"]).names
    assert (both[0][1] == 10).all() and (both[1][1] == 255).all()
    assert both.num_classes == 11 and both.class_names[10] == "Bicyclist"
    with pytest.raises(ValueError, match="split='trian'"):
        CamVid(tmp_path, "trian")
    with pytest.raises(ValueError, match="no images/test"):
        CamVid(tmp_path, "test")


@pytest.mark.skipif(not CAMVID, reason="KERAS_SEG_CAMVID does not name CamVid's folder")
def test_camvid_itself():
    sizes = {"train": 367, "val": 101, "test": 233, "train+val": 468}
    for split, size in sizes.items():
        assert len(CamVid(CAMVID, split)) == size
    image, label = CamVid(CAMVID, "test")[0]
    assert image.shape == (360, 480, 3) and label.shape == (360, 480)
    assert set(np.unique(label)) <= {*range(11), 255}


def test_cache_reads_once_up_to_its_limit():
    class Source:
        reads = 0
        num_classes = 5

        def __len__(self):
            return 3

        def __getitem__(self, index):
            self.reads += 1
            return np.full((2, 2, 3), index, "uint8"), np.zeros((2, 2), "uint8")

    source = CachedSource(Source(), max_bytes=2 * 16)
    assert source.num_classes == 5 and len(source) == 3
    for _ in range(2):
        assert [int(source[i][0][0, 0, 0]) for i in range(3)] == [0, 1, 2]
    assert source.source.reads == 4  # the third did not fit and was read twice


@pytest.mark.parametrize("options", [{"num_classes": 1}, {"class_names": ["leaf"]}])
def test_one_class_is_refused(tmp_path, options):
    folders = write(tmp_path, {"a": [[0, 1]]})
    with pytest.raises(ValueError, match="background counts.*num_classes=2"):
        SegmentationFolder(*folders, **options)
    with pytest.raises(ValueError, match="background counts.*num_classes=2"):
        TFDSSource([], label_key="label", **options)
    with pytest.raises(ValueError, match="list of strings"):
        SegmentationFolder(*folders, class_names="leaf")


def test_void_of_many_classes(tmp_path):
    folders = write(tmp_path, {"a": [[0, 255]]})
    with pytest.raises(ValueError, match="ignore_class=65535") as error:
        SegmentationFolder(*folders, num_classes=300)
    assert "such as ignore_class=255" not in str(error.value)
    source = SegmentationFolder(*folders, num_classes=300, ignore_class=65535)
    assert source[0][1].tolist() == [[0, 255]]


def test_white_masks_warn_while_they_are_read(tmp_path):
    masks = {f"{i}": [[0, 255]] for i in range(3)}
    source = SegmentationFolder(*write(tmp_path, masks), num_classes=2)
    with pytest.warns(UserWarning, match=r"only 0 and 255.*id_map=\{255: 1\}"):
        for i in range(3):
            source[i]


@pytest.mark.filterwarnings("error")
def test_masks_with_void_do_not_warn(tmp_path):
    masks = {"0": [[0, 255]], "1": [[0, 0]], "2": [[1, 255]]}
    folders = write(tmp_path, masks)
    for options in ({}, {"id_map": {255: 1}}):
        source = SegmentationFolder(*folders, num_classes=2, **options)
        for i in range(3):
            source[i]


def test_sizes_that_differ_are_to_be_resized_only_where_that_is_right(tmp_path):
    folders = write(tmp_path, {"a": [[0, 0, 1]]}, size=(2, 6))
    with pytest.raises(ValueError, match="nearest neighbour"):
        SegmentationFolder(*folders, num_classes=2)[0]
    folders = write(tmp_path, {"a": [[0, 0, 1]]}, size=(3, 1))
    with pytest.raises(ValueError, match="turned against the other.*not resize"):
        SegmentationFolder(*folders, num_classes=2)[0]


def test_a_split_that_is_not_there(tmp_path):
    for split in ("train", "val"):
        write(tmp_path / split, {"a": [[0, 1]]})
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            os.rename(tmp_path / split / kind, tmp_path / kind / split)
    assert len(load_source("folder", tmp_path, "val", num_classes=2)) == 1
    with pytest.raises(ValueError, match="no split 'test'.*train, val"):
        load_source("folder", tmp_path, "test", num_classes=2)


def test_sources_of_a_source_are_pickled_and_know_sizes(tmp_path):
    masks = {f"{i}": np.zeros((4 + i, 6), "uint8") for i in range(5)}
    masks["4"][:] = 1
    source = SegmentationFolder(*write(tmp_path, masks), num_classes=2)
    for derived in (
        SubsetSource(source, 3, seed=1),
        RepeatedSource(source, target_share=1.0),
        CachedSource(source),
    ):
        derived = pickle.loads(pickle.dumps(derived))  # noqa: S301
        assert derived.num_classes == 2
        for i in range(len(derived)):
            image, label = derived[i]
            assert derived.size_of(i) == image.shape[:2] == label.shape
            assert derived.names[i] == str(image.shape[0] - 4)
    with pytest.raises(ValueError, match="empty"):
        RepeatedSource([])


def test_palettes_have_one_home():
    assert visualization.default_palette is default_palette
    assert list(COCO_STUFF_COLOURS.values()) == [tuple(c) for c in default_palette(171)]


def test_the_command_line_knows_the_same_data_sets():
    assert set(evaluate.DATA_SETS) == {*DATA_SETS, "folder"}


@pytest.mark.parametrize("mask, ignore_class", [([0, 128, 255], 255), ([0, 255], -1)])
def test_advice_for_grey_at_the_edge_of_white(tmp_path, mask, ignore_class):
    folders = write(tmp_path, {"a": [mask]})
    source = SegmentationFolder(*folders, num_classes=2, ignore_class=ignore_class)
    with pytest.raises(ValueError, match=r"id_map=\{i: int\(i > 127\)"):
        source[0]
    id_map = {i: int(i > 127) for i in range(256)}
    source = SegmentationFolder(*folders, num_classes=2, id_map=id_map)
    assert source[0][1].tolist() == [[int(i > 127) for i in mask]]
