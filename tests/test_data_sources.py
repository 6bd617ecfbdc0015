"""Sources pair files, map ids, and refuse what would train wrongly."""

import os

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import CachedSource, CamVid, SegmentationFolder

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
