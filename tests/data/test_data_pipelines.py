"""docs/other_data_pipelines.md runs; tensorflow-datasets is used for real."""

import importlib.util
import json
import re

import keras
import numpy as np
import pytest
from project_paths import ROOT
from tiny_ecenet import tiny_ecenet
from tiny_segmenter import TinySegmenter

from keras_seg import inference
from keras_seg.data import TFDSSource, TrainAugmentation, load_source, training_dataset
from keras_seg.data.sources.tfds_source import has_val
from keras_seg.training import train

PAGE = (ROOT / "docs" / "other_data_pipelines.md").read_text()
FENCE = re.compile(r"<!-- needs-module: (\w+) -->\n```python\n(.*?)```", re.DOTALL)
START = re.search(r"<!-- name: start -->\n```python\n(.*?)```", PAGE, re.DOTALL)[1]
CLASSES = ["soil", "crop", "weed"]


@pytest.fixture
def small_models(monkeypatch):
    """A model that is traced and compiled in seconds, in place of that of the page."""
    fitted = []
    monkeypatch.setattr("keras_seg.CPT", lambda *_, **__: TinySegmenter())
    monkeypatch.setattr(
        "keras_seg.backbones.ApplicationsBackbone", lambda *_, **__: None
    )
    fit = TinySegmenter.fit

    def noted(self, *args, **kwargs):
        history = fit(self, *args, **kwargs)
        fitted.append(history.history["loss"])
        return history

    monkeypatch.setattr(TinySegmenter, "fit", noted)
    return fitted


@pytest.mark.parametrize("module, code", FENCE.findall(PAGE), ids=lambda x: x[:10])
def test_each_pipeline_of_the_page_trains(module, code, small_models):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    names = {}
    exec(compile(START, "page", "exec"), names)
    exec(compile(code, "page", "exec"), names)
    assert len(small_models) == 1 and np.isfinite(small_models[0]).all()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data set in both formats, made by the builder of the library.

    As in scene_parse150, ids are in the first of three channels, 0 is void, and there
    is no split for validation.
    """
    tfds = pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("array_record")

    class TinyScenes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            image = tfds.features.Image(shape=(None, None, 3))
            features = {"image": image, "annotation": image}
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, manager):
            parts = {"train": range(8), "test": range(8, 12)}
            return {k: self._generate_examples(v) for k, v in parts.items()}

        def _generate_examples(self, numbers):
            for i in numbers:
                ids = ids_of_example(i)
                image = np.stack([ids * 80] * 3, axis=-1)
                annotation = np.stack([ids, 0 * ids, 0 * ids], axis=-1)
                yield i, {"image": image, "annotation": annotation}

    root = tmp_path_factory.mktemp("tfds")
    for name in ("array_record", "tfrecord"):
        folder = root / name
        TinyScenes(data_dir=folder, file_format=name).download_and_prepare()
    return root


def ids_of_example(number):
    ids = np.random.default_rng(number).integers(0, 4, (4, 5), "uint8")
    return ids.repeat(8, axis=0).repeat(8, axis=1)


def open_prepared(prepared, split):
    return load_source(
        "tfds:tiny_scenes",
        str(prepared / "array_record"),
        split,
        label_key="annotation",
        label_channel=0,
        class_names=CLASSES,
        void_ids=(0,),
        id_map={1: 0, 2: 1, 3: 2},
    )


def test_a_prepared_data_set_is_read_by_index(prepared):
    source = open_prepared(prepared, "train")
    assert len(source) == 8 and not has_val("tfds:tiny_scenes", prepared / "tfrecord")
    # The library shuffles the examples.
    found = {source[i][1].tobytes() for i in range(8)}
    for number in range(8):
        ids = ids_of_example(number)
        expected = np.where(ids == 0, 255, ids - 1).astype("uint8")
        assert expected.tobytes() in found
    image, label = source[3]
    np.testing.assert_array_equal(image[..., 0] == 0, label == 255)


def test_trained_and_evaluated_by_index(prepared, tmp_path):
    source = open_prepared(prepared, "train")
    test = open_prepared(prepared, "test")
    crops = TrainAugmentation((32, 32), photometric=False)
    model = TinySegmenter()
    model.fit(training_dataset(source, 4, crops), epochs=2, verbose=0)
    result = inference.evaluate(model, test)
    assert result["images"] == 4 and list(result["class_iou"]) == CLASSES
    if keras.config.backend() == "torch":  # a run traces or compiles anew
        settings = {"epochs": 1, "steps_per_epoch": 2, "verbose": 0}
        results = train(TinySegmenter(), source, tmp_path / "run", **settings)
        assert results["val"]["images"] == 2  # of 8, as there is no split for it


def test_trained_and_evaluated_as_tf_data(prepared):
    tf = pytest.importorskip("tensorflow")
    import tensorflow_datasets as tfds

    def pair(example):
        ids = tf.cast(example["annotation"][..., 0], tf.int32)
        return example["image"], tf.where(ids == 0, 255, ids - 1)

    model, folder = TinySegmenter(), str(prepared / "tfrecord")
    dataset = tfds.load("tiny_scenes", split="train", data_dir=folder)
    history = model.fit(dataset.map(pair).batch(4), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    test = tfds.load("tiny_scenes", split="test", data_dir=folder).map(pair).batch(2)
    result = model.evaluate(test, return_dict=True, verbose=0)
    assert 0 <= result["mean_iou"] <= 1


def test_what_the_library_lacks_is_said(prepared, monkeypatch):
    options = {"label_key": "annotation", "class_names": CLASSES}
    with pytest.raises(ValueError, match="stored as tfrecord.*array_record"):
        TFDSSource("tiny_scenes", data_dir=str(prepared / "tfrecord"), **options)
    folder = str(prepared / "array_record")
    with pytest.raises(ValueError, match="Unknown split 'val'.*train"):
        TFDSSource("tiny_scenes", "val", data_dir=folder, **options)

    def data_source(*_, **__):
        raise ImportError("No module named 'array_record'")

    monkeypatch.setattr("tensorflow_datasets.data_source", data_source)
    with pytest.raises(ModuleNotFoundError, match="pip install array_record"):
        TFDSSource("tiny_scenes", data_dir=folder, **options)


@pytest.mark.skipif(
    keras.config.backend() != "torch", reason="nothing here depends on the backend"
)
def test_the_command_finds_it(prepared, tmp_path):
    from keras_seg_cli.main import main

    tiny_ecenet().save_to_preset(tmp_path / "tiny")
    words = f"train --data tfds:tiny_scenes --data-dir {prepared}/array_record "
    words += f"--label-key annotation --label-channel 0 --preset {tmp_path}/tiny "
    words += f"--first-id 1 --output {tmp_path}/run --epochs 1 --steps-per-epoch 2 "
    assert main([*words.split(), "--class-names", *CLASSES]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["val"]["images"] == 2
    assert list(results["val"]["class_iou"]) == CLASSES
