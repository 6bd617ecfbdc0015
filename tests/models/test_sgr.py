"""SGR as a whole: its losses, its training and its saved form."""

import json
import runpy

import keras
import numpy as np
import pytest
import sgr_reference as reference
from keras import ops
from model_harness import scene
from numpy_reference import resize_nearest, segmentation_loss
from project_paths import ROOT
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone
from tiny_ecenet import tiny_backbone

import keras_seg
from keras_seg.data import (
    connected_components,
    evaluation_dataset,
    pack_components,
    training_dataset,
)
from keras_seg.models import region_segmenter

VOID, NUM_CLASSES = 255, 3


def make_model(reasoner=True, levels=2, **kwargs):
    if reasoner is True:
        reasoner = {"num_regions": 5, "depth": 1, "num_heads": 2}
    kwargs = {"hidden_dim": 8, "dropout": 0.0, "dilation_rates": [1, 2], **kwargs}
    kwargs.setdefault("min_component_area", 4)
    return keras_seg.SGR(TinyBackbone(levels), NUM_CLASSES, reasoner=reasoner, **kwargs)


@pytest.fixture(scope="module")
def trained():
    model = make_model()
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


@pytest.mark.parametrize("size", [(33, 47), (1, 1)])
def test_any_size(trained, size):
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype="uint8")
    logits = trained.predict(images, verbose=0)
    assert logits.shape == (2, *size, NUM_CLASSES) and np.isfinite(logits).all()
    regions = trained.regions(images[0])
    assert regions.shape == (*size, 5) and regions.dtype == "float32"
    np.testing.assert_allclose(regions.sum(axis=-1), 1, atol=1e-5)
    ids = trained.regions(images[0], hard=True)
    np.testing.assert_array_equal(ids, regions.argmax(axis=-1))


def test_the_loss_is_the_sum_of_its_parts(trained):
    images, labels = scene()
    weights = trained.get_weights()
    outputs = keras.tree.map_structure(
        lambda x: ops.convert_to_numpy(x).astype("float64"),
        trained.training_outputs(images),
    )
    trained.set_weights(weights)
    parts = np.stack([connected_components(x, VOID, 32, 4) for x in labels])
    height, width = outputs["regions"].shape[1:3]
    small = resize_nearest(parts, height, width)
    expected = {
        "region_loss": reference.region_loss(small, outputs["regions"]),
        "disjointness_loss": reference.disjointness_loss(outputs["regions"]),
        "token_loss": reference.token_loss(outputs["tokens"]),
    }
    expected["loss"] = (
        segmentation_loss(labels, outputs["logits"])
        + expected["region_loss"]
        + 0.1 * expected["disjointness_loss"]
        + 0.1 * expected["token_loss"]
    )
    assert expected["region_loss"] > 0.1
    logs = trained.fit(images, labels, shuffle=False, verbose=0).history
    for key, value in expected.items():
        assert logs[key] == [pytest.approx(value, rel=1e-3)], key
    trained.set_weights(weights)
    logs = trained.train_on_batch(images, labels, return_dict=True)
    assert logs["region_loss"] == pytest.approx(expected["region_loss"], rel=1e-3)

    evaluated = trained.evaluate(images, labels, verbose=0, return_dict=True)
    assert set(evaluated) == {"loss", "mean_iou"}
    logits = trained.predict(images, verbose=0).astype("float64")
    assert evaluated["loss"] == pytest.approx(segmentation_loss(labels, logits), 1e-3)

    # Without one valid pixel only what needs no labels is left.
    logs = trained.fit(
        images, np.full_like(labels, VOID), shuffle=False, verbose=0
    ).history
    rest = 0.1 * logs["disjointness_loss"][0] + 0.1 * logs["token_loss"][0]
    assert logs["region_loss"] == [0]
    assert logs["loss"] == [pytest.approx(rest, rel=1e-4)]


def test_overfits_two_images(trained):
    images, labels = scene()
    trained.optimizer.learning_rate = 3e-4  # ten times that in the head
    history = trained.fit(
        images, labels, epochs=80, validation_split=0.5, shuffle=False, verbose=0
    ).history
    assert np.mean(history["region_loss"][-5:]) < 0.8 * history["region_loss"][0]
    assert np.mean(history["mean_iou"][-5:]) > 0.6, history["mean_iou"][-5:]
    assert set(history) >= {"val_loss", "val_mean_iou"}


def generator():
    images, labels = scene()
    yield images, labels.astype("int32")


def tf_dataset():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(next(generator())).batch(2)


def data_loader():
    torch = pytest.importorskip("torch")
    dataset = torch.utils.data.TensorDataset(*map(torch.from_numpy, next(generator())))
    return torch.utils.data.DataLoader(dataset, batch_size=2)


@pytest.mark.parametrize("make", [generator, tf_dataset, data_loader])
def test_fit_of_every_source_has_a_region_loss(trained, make):
    weights = trained.get_weights()
    expected = trained.train_on_batch(*scene(), return_dict=True)["region_loss"]
    trained.set_weights(weights)
    logs = trained.fit(make(), shuffle=False, verbose=0).history
    assert logs["region_loss"] == [pytest.approx(expected, rel=1e-4)]
    assert expected > 0.1


def test_fit_of_our_own_batches_has_a_region_loss(trained):
    source = list(zip(*scene(), strict=True))
    batches = training_dataset(source, 2, steps_per_epoch=1)
    logs = trained.fit(
        batches, validation_data=evaluation_dataset(source), verbose=0
    ).history
    assert logs["region_loss"][0] > 0.1 and logs["val_mean_iou"][0] > 0


def test_labels_may_have_a_channel(trained):
    weights = trained.get_weights()
    expected = trained.train_on_batch(*scene(), return_dict=True)
    trained.set_weights(weights)
    images, labels = scene()
    labels = labels[..., None].astype("float32")  # (B, H, W, 1)
    logs = trained.fit(
        images, labels, validation_data=(images, labels), shuffle=False, verbose=0
    ).history
    for name in trained.auxiliary_loss_names:
        assert logs[name] == [pytest.approx(expected[name], rel=1e-4)]
    outputs = trained.training_outputs(images)
    packed = pack_components(labels, min_area=4)
    with_channel, without = (
        float(
            ops.stop_gradient(trained.auxiliary_loss(ops.convert_to_tensor(x), outputs))
        )
        for x in (packed, packed[..., 0])
    )
    assert with_channel == without > 0


def test_without_a_weight_no_components_are_made(monkeypatch):
    model = make_model(auxiliary_weights={"region": 0.0})
    monkeypatch.setattr(region_segmenter, "pack_components", None)
    logs = model.fit(*scene(), verbose=0).history
    assert logs["region_loss"] == [0] and logs["token_loss"][0] > 0


def test_without_a_reasoner_it_is_a_plain_deeplab():
    model = make_model(reasoner=False)
    assert model.auxiliary_loss_names == () and not model.has_regions
    logs = model.fit(*scene(), verbose=0).history
    assert set(logs) == {"loss", "mean_iou"}
    with pytest.raises(ValueError, match="no latent regions"):
        model.regions(scene()[0][0])
    with pytest.raises(ValueError, match="no latent regions"):
        keras_seg.ECENet(TinyBackbone(2), 3, hidden_dim=8).regions(scene()[0][0])


def test_config_saved_file_and_preset(trained, tmp_path):
    images = scene()[0]
    expected = trained.predict(images, verbose=0)
    regions = trained.regions(images[0])
    config = trained.get_config()
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(keras.saving.serialize_keras_object(trained)))
    )
    assert config["max_components"] == 32 and config["min_component_area"] == 4
    assert config["reasoner"] == {"num_regions": 5, "depth": 1, "num_heads": 2}
    for key in set(config) - {"preprocessor"}:
        assert again.get_config()[key] == config[key], key
    trained.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=1e-5)
    trained.save_weights(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(again.predict(images, verbose=0), expected, atol=1e-5)
    trained.save_to_preset(tmp_path / "preset")
    preset = keras_seg.SGR.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(preset.predict(images, verbose=0), expected, atol=1e-5)
    np.testing.assert_allclose(preset.regions(images[0]), regions, atol=1e-5)
    other = keras_seg.SGR.from_preset(tmp_path / "preset", num_classes=7)
    np.testing.assert_allclose(other.regions(images[0]), regions, atol=1e-5)


def test_level_and_dilation_follow_the_backbone():
    model = make_model(levels=4, dilation_rates=None)
    assert model.pyramid_levels == ["P4"]
    assert model.head.dilation_rates == [6, 12, 18]
    # what lies behind the level has no gradient
    frozen = {layer.name for layer in model.backbone.layers if not layer.trainable}
    assert frozen == {"conv_5", "norm_5", "relu_5"}
    assert not any("_5/" in v.path for v in model.trainable_variables)
    model = keras_seg.SGR(tiny_backbone(), NUM_CLASSES, hidden_dim=8, reasoner=False)
    assert model.pyramid_levels == ["P3"]
    assert model.head.dilation_rates == [12, 24, 36]
    with pytest.raises(ValueError, match="stride 8 or 16"):
        keras_seg.SGR(TinyBackbone(1), NUM_CLASSES)


def test_classes_learned_and_negative_void():
    model = make_model(classes_learned=[2, 0], ignore_class=-1)
    images, labels = scene()
    labels = np.where(labels == VOID, -1, labels.astype("int32"))
    logs = model.fit(images, labels, verbose=0).history
    assert np.isfinite(logs["loss"][0]) and logs["region_loss"][0] > 0.1
    assert model.predict(images, verbose=0).shape[-1] == NUM_CLASSES


def test_cpt_with_a_reasoner(tmp_path):
    """ECENet with a reasoner is one of the models of `model_harness.py`."""
    options = {"num_regions": 5, "depth": 1}
    model = keras_seg.CPT(
        TinyBackbone(2), NUM_CLASSES, hidden_dim=8, num_heads=2, reasoner=options
    )
    images, labels = scene()
    logs = model.fit(images, labels, verbose=0).history
    assert logs["region_loss"][0] > 0.1 and logs["mask_loss"][0] > 0
    regions = model.regions(images[0])
    assert regions.shape == (32, 32, 5)
    model.save_to_preset(tmp_path / "preset")
    again = keras_seg.CPT.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(again.regions(images[0]), regions, atol=1e-5)
    assert again.auxiliary_weights == model.auxiliary_weights


def test_large_photos_are_downscaled(trained):
    image = np.random.default_rng(0).integers(0, 256, (80, 180, 3), dtype="uint8")
    trained.long_side = 90
    try:
        maps, ids = trained.regions(image), trained.regions(image, hard=True)
    finally:
        trained.long_side = None
    assert maps.shape == (80, 180, 5) and ids.shape == (80, 180)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)
    assert np.mean(ids == maps.argmax(axis=-1)) > 0.99


def test_regions_in_mixed_precision():
    backbone = TinyBackbone(2, dtype="mixed_bfloat16")
    model = keras_seg.SGR(
        backbone, NUM_CLASSES, hidden_dim=8, reasoner={"num_regions": 5, "depth": 1}
    )
    assert model.head.reasoner.compute_dtype == "bfloat16"
    regions = model.regions(scene()[0][0])
    np.testing.assert_allclose(regions.sum(axis=-1), 1, atol=0.02)


def test_example_of_a_custom_model():
    path = ROOT / "examples/reasoner_in_your_model.py"
    model = runpy.run_path(str(path), run_name="__main__")["model"]
    assert model.history.history["regions_loss"][0] > 0


def test_region_report(trained):
    images, labels = scene()
    report = keras_seg.inference.region_report(trained, [(images[0], labels[0])])
    ids = trained.regions(images[0], hard=True)
    parts = connected_components(labels[0], VOID, 256, 4)
    for name, truth, void in (("class", labels[0], VOID), ("instance", parts, 0)):
        expected = reference.semantics_and_diversity(truth, ids, void)
        keys = (f"{name}_semantics", f"{name}_diversity")
        assert [report[key] for key in keys] == pytest.approx(expected, abs=1e-5)
