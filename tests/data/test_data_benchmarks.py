"""Readers of published data sets, on small files in their layouts."""

import sys
import types

import numpy as np
import pytest
from PIL import Image

from keras_seg.data import (
    ADE20K,
    CamVid,
    Cityscapes,
    COCOStuff10K,
    PascalContext,
    TFDSSource,
    load_source,
)
from keras_seg.training.open_data import open_data
from keras_seg.training.settings import resolve_settings

pytestmark = pytest.mark.no_backend

IDS = np.arange(256, dtype="uint8").reshape(8, 32)


def save(root, path, ids=None):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (32, 8)) if ids is None else Image.fromarray(ids)
    image.save(path)


def ids_of(label, ids):
    """Which ids of a mask became which class, void left out."""
    return {
        int(old): int(new)
        for old, new in zip(ids.ravel(), label.ravel(), strict=True)
        if new != 255
    }


@pytest.mark.parametrize("inside", ["", "ADEChallengeData2016/"])
def test_ade20k(tmp_path, inside):
    ids = IDS % 151
    for part, name in (("training", "ADE_train_1"), ("validation", "ADE_val_1")):
        save(tmp_path, f"{inside}images/{part}/{name}.jpg")
        save(tmp_path, f"{inside}annotations/{part}/{name}.png", ids)
    source = ADE20K(tmp_path, "val")
    assert source.names == ["ADE_val_1"] and source.num_classes == 150
    image, label = source[0]
    assert image.shape == (8, 32, 3) and label.dtype == np.uint8
    assert ids_of(label, ids) == {i: i - 1 for i in range(1, 151)}
    assert source.class_names[2] == "sky" and source.palette[2].tolist() == [
        6,
        230,
        230,
    ]
    assert len(ADE20K(tmp_path, "train+val")) == 2


@pytest.mark.parametrize("ending", ["labelIds", "labelTrainIds"])
def test_cityscapes(tmp_path, ending):
    train_ids = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9}
    train_ids |= {23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17}
    train_ids |= {33: 18}
    ids = IDS % 35
    if ending == "labelTrainIds":
        train_ids = {i: i for i in range(19)}
        ids = np.where(IDS % 20 == 19, 255, IDS % 20).astype("uint8")
    for city in ("ulm", "bonn"):
        stem = f"{city}/{city}_000000_000019"
        save(tmp_path, f"leftImg8bit/val/{stem}_leftImg8bit.png")
        save(tmp_path, f"gtFine/val/{stem}_gtFine_{ending}.png", ids)
        save(tmp_path, f"gtFine/val/{stem}_gtFine_color.png")
    source = Cityscapes(tmp_path, "val")
    assert [name.split("_")[0] for name in source.names] == ["bonn", "ulm"]
    assert ids_of(source[0][1], ids) == train_ids
    assert source.class_names[13] == "car"
    label = Cityscapes(tmp_path, "val", ignore_class=-1)[1][1]
    assert set(np.unique(label)) == {-1, *range(19)}


def pascal_context(root):
    ids = IDS % 60
    for name in ("2008_000002", "2008_000003"):
        save(root, f"JPEGImages/{name}.jpg")
        save(root, f"SegmentationClassContext/{name}.png", ids)
    lists = root / "ImageSets" / "SegmentationContext"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2008_000003\n")
    return ids


@pytest.mark.parametrize("inside", ["", "VOC2010", "VOCdevkit/VOC2010"])
def test_pascal_context(tmp_path, inside):
    ids = pascal_context(tmp_path / inside)
    source = PascalContext(tmp_path, "val")
    assert source.names == ["2008_000003"] and source.num_classes == 59
    assert ids_of(source[0][1], ids) == {i: i - 1 for i in range(1, 60)}
    source = PascalContext(tmp_path, "val", background=True)
    assert source.num_classes == 60 and source.class_names[:2] == [
        "background",
        "aeroplane",
    ]
    assert ids_of(source[0][1], ids) == {i: i for i in range(60)}


def test_coco_stuff_as_converted(tmp_path):
    ids = IDS % 172
    for part in ("train2014", "test2014"):
        save(tmp_path, f"images/{part}/COCO_{part}.jpg")
        save(tmp_path, f"annotations/{part}/COCO_{part}_labelTrainIds.png", ids)
    for split in ("test", "val"):
        source = COCOStuff10K(tmp_path, split)
        assert source.names == ["COCO_test2014"] and source.num_classes == 171
        assert ids_of(source[0][1], ids) == {i: i - 1 for i in range(1, 172)}
    assert len(COCOStuff10K(tmp_path, "train+test")) == 2
    assert len(COCOStuff10K(tmp_path, "test+val")) == 1


@pytest.mark.parametrize(
    "split, measured", [("train", ["val"]), ("train+test", []), ("test", [])]
)
def test_no_run_is_measured_on_images_it_trains_on(tmp_path, split, measured):
    """`val` of COCO-Stuff 10K is another name of `test`."""
    for part in ("train2014", "test2014"):
        save(tmp_path, f"images/{part}/COCO_{part}.jpg")
        save(tmp_path, f"annotations/{part}/COCO_{part}_labelTrainIds.png", IDS % 172)
    given = {"data": "coco-stuff", "data_dir": str(tmp_path), "split": split}
    _, held_out = open_data(resolve_settings(given))
    assert list(held_out) == measured


def test_coco_stuff_as_published(tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    ids = IDS % 183
    for name in ("a", "b"):
        save(tmp_path, f"images/{name}.jpg")
        (tmp_path / "annotations").mkdir(exist_ok=True)
        path = tmp_path / "annotations" / f"{name}.mat"
        scipy_io.savemat(path, {"S": ids.astype("uint16"), "names": ["x"]})
    (tmp_path / "imageLists").mkdir()
    (tmp_path / "imageLists" / "test.txt").write_text("b\n")
    source = COCOStuff10K(tmp_path, "test")
    assert source.names == ["b"]
    # Counted by hand: 11 ids stand for no class, the first of them 12.
    classes = ids_of(source[0][1], ids)
    assert len(classes) == 171 and 12 not in classes and 0 not in classes
    assert (classes[1], classes[11], classes[13], classes[90]) == (0, 10, 11, 79)
    assert (classes[92], classes[182]) == (80, 170)
    (tmp_path / "annotations" / "b.mat").write_bytes(b"not MATLAB")
    with pytest.raises(ValueError, match="b.mat' cannot be read"):
        source[0]
    (tmp_path / "annotations" / "b.mat").unlink()
    with pytest.raises(ValueError, match="1 of 1 files are missing.*b.mat"):
        COCOStuff10K(tmp_path, "test")


def test_mat_file_without_scipy(monkeypatch):
    from keras_seg.data.files.read_mat_mask import read_mat_mask

    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ModuleNotFoundError, match="pip install scipy"):
        read_mat_mask("a.mat", "S")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("ade20k", "ADE20K .*ADEChallengeData2016.* no images/validation"),
        ("cityscapes", "Cityscapes .* no leftImg8bit/val and no gtFine/val"),
        ("pascal-context", "PASCAL-Context .*VOC2010.* no JPEGImages"),
        ("coco-stuff", "COCO-Stuff-10K .* no images and no annotations"),
        ("camvid", "CamVid .* no images/val and no labels/val"),
        ("folder", "data set .* no images and no masks"),
        ("voc", "no data set 'voc'"),
    ],
)
def test_what_is_missing_is_said(tmp_path, name, expected):
    with pytest.raises(ValueError, match=expected):
        load_source(
            name, tmp_path, "val", **({"num_classes": 2} if "f" in name else {})
        )


@pytest.mark.parametrize(
    "reader", [ADE20K, CamVid, Cityscapes, COCOStuff10K, PascalContext]
)
def test_unknown_split(tmp_path, reader):
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    with pytest.raises(ValueError, match="`split` must be made of 'train'.*dev"):
        reader(tmp_path, "train+dev")


def test_files_that_a_list_names_but_are_not_there(tmp_path):
    pascal_context(tmp_path)
    (tmp_path / "SegmentationClassContext" / "2008_000003.png").unlink()
    with pytest.raises(ValueError, match="1 of 1 files .*2008_000003.png"):
        PascalContext(tmp_path, "val")
    save(tmp_path, "leftImg8bit/val/ulm/ulm_0_1_leftImg8bit.png")
    (tmp_path / "gtFine" / "val").mkdir(parents=True)
    with pytest.raises(ValueError, match="ulm_0_1_gtFine_labelIds.png"):
        Cityscapes(tmp_path, "val")


@pytest.mark.parametrize("inside", ["", "/val"])
def test_folder(tmp_path, inside):
    save(tmp_path, f"images{inside}/a.jpg")
    save(tmp_path, f"masks{inside}/a.png", IDS % 2)
    source = load_source("folder", tmp_path, "val", class_names=["a", "b"])
    assert source[0][1].max() == 1 and source.class_names == ["a", "b"]


def examples(**changes):
    example = {"image": np.zeros((8, 32, 3), "uint8"), "annotation": IDS[..., None]}
    return [{**example, **changes}]


@pytest.fixture
def fake_tfds(monkeypatch):
    """tensorflow-datasets with one data set; notes how it was opened."""
    module = types.ModuleType("tensorflow_datasets")
    module.calls, module.data = [], {}

    def data_source(name, **options):
        module.calls.append((name, options))
        return module.data[name]

    module.data_source = data_source
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", module)
    return module


def test_scene_parse150(fake_tfds):
    instances = np.full_like(IDS, 7)
    annotation = np.stack([IDS % 101, instances, 0 * IDS], axis=-1)
    fake_tfds.data["scene_parse150"] = examples(annotation=annotation)
    source = TFDSSource("scene_parse150", "val", data_dir="somewhere")
    (name, options), *_ = fake_tfds.calls
    assert options["split"] == "test" and options["data_dir"] == "somewhere"
    assert options["download"] is False
    assert len(source) == 1 and source.num_classes == 150
    classes = ids_of(source[0][1], IDS % 101)
    assert len(classes) == 100 and 0 not in classes
    for instance, name in ((1, "bed"), (4, "person"), (78, "step"), (100, "flag")):
        assert source.class_names[classes[instance]] == name


@pytest.mark.parametrize("split, measured", [("train", ["val"]), ("train+test", [])])
def test_no_run_is_measured_on_examples_it_trains_on(fake_tfds, split, measured):
    """`val` of scene_parse150 is its `test`."""
    fake_tfds.data["scene_parse150"] = examples(
        annotation=np.stack([IDS % 101] * 3, -1)
    )
    given = {"data": "tfds:scene_parse150", "data_dir": "here", "split": split}
    _, held_out = open_data(resolve_settings(given))
    assert list(held_out) == measured


def test_tfds_by_name(fake_tfds):
    annotation = np.stack([IDS % 101] * 3, axis=-1)
    fake_tfds.data["scene_parse150"] = examples(annotation=annotation)
    source = load_source("tfds:scene_parse150", None, "train", ignore_class=254)
    assert isinstance(source, TFDSSource) and source.ignore_class == 254
    assert fake_tfds.calls[0][1]["split"] == "train"
    assert fake_tfds.calls[0][1]["data_dir"] is None
    fake_tfds.data["mine"] = examples()
    with pytest.raises(ValueError, match="scene_parse150, cityscapes are known"):
        load_source("tfds:mine", None)
    with pytest.raises(ValueError, match="tfds:NAME"):
        load_source("mine", None)


def test_cityscapes_of_tfds(fake_tfds):
    fake_tfds.data["cityscapes/semantic_segmentation:1.0.0"] = [
        {
            "image_left": np.zeros((8, 32, 3), "uint8"),
            "segmentation_label": IDS[..., None],
        }
    ]
    source = TFDSSource("cityscapes/semantic_segmentation:1.0.0", "val")
    assert fake_tfds.calls[0][1]["split"] == "validation"
    classes = ids_of(source[0][1], IDS)
    assert len(classes) == 19 and classes[7] == 0 and classes[33] == 18


def test_tfds_with_conventions_of_ones_own():
    source = TFDSSource(
        examples(image=np.zeros((8, 32, 1), "uint8"), annotation=IDS % 4),
        label_key="annotation",
        num_classes=2,
        void_ids=(0, 3),
        id_map={1: 0, 2: 1},
        ignore_class=-1,
    )
    image, label = source[0]
    assert image.shape == (8, 32, 3) and label.dtype == np.int32
    assert sorted(np.unique(label)) == [-1, 0, 1]
    assert source.palette.shape == (2, 3)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"label_key": "mask"}, "no feature 'mask'.*'annotation', 'image'"),
        ({}, r"ids \[9, 10, .*label map 'annotation'|label map 'annotation'.*\[9, 10"),
        ({"data": examples(annotation=np.zeros((8, 32, 3), int))}, "`label_channel`"),
        ({"data": examples(image=np.zeros((8, 31, 3), "uint8"))}, r"\(8, 31, 3\)"),
        ({"data": examples(image=np.zeros((8, 32, 3)))}, "float64"),
    ],
)
def test_tfds_refuses_unfit_examples(changes, message):
    options = {"data": examples(), "label_key": "annotation", "num_classes": 9}
    source = TFDSSource(**{**options, **changes})
    with pytest.raises(ValueError, match=message):
        source[0]


def test_tfds_that_cannot_be_opened(fake_tfds, monkeypatch):
    with pytest.raises(ValueError, match="cannot open 'x'.*download=True"):
        TFDSSource("x", label_key="y", num_classes=2)
    fake_tfds.data["x"] = examples()
    with pytest.raises(ValueError, match="Give `label_key=`"):
        TFDSSource("x", num_classes=2)
    with pytest.raises(ValueError, match="`palette` has 1 colours"):
        TFDSSource("x", label_key="y", num_classes=2, palette=[(0, 0, 0)])
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'keras-seg\[tfds\]'"):
        TFDSSource("x", label_key="y", num_classes=2)
