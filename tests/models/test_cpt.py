"""CPT as a whole: its losses, its training, its memory and its saved form."""

import keras
import numpy as np
import numpy_reference as reference
import pytest
from keras import ops
from model_harness import scene
from random_weights import set_random_weights
from tiny_backbone import TinyBackbone
from tiny_ecenet import tiny_backbone

import keras_seg

VOID, NUM_CLASSES = 255, 3
ABLATION = ["bilinear", "pixels", "prototypes", "memory"]


def make_model(num_levels=2, **kwargs):
    kwargs = {"hidden_dim": 8, "num_heads": 2, "pool_dim": 4, "dropout": 0.0, **kwargs}
    return keras_seg.CPT(TinyBackbone(num_levels), NUM_CLASSES, **kwargs)


def decay():
    return keras_seg.optimizers.PolynomialDecay(0.1, 20, 0.009, power=0.9)


def arrays(variables):
    return [ops.convert_to_numpy(v).copy() for v in variables]


def memories(model):
    return arrays(update.memory.memory for update in model.head.updates)


def assert_equal(actual, expected):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)


@pytest.fixture(scope="module")
def trained():
    """A model that the next tests train with one compiled step."""
    model = make_model(memory_momentum=decay())
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


def test_the_loss_is_that_of_the_paper(trained):
    """Cross-entropy + 5 focal + 2 dice on the sum of the enlarged masks."""
    images, labels = scene()
    weights = trained.get_weights()
    outputs = trained.training_outputs(images)
    outputs = keras.tree.map_structure(
        lambda x: ops.convert_to_numpy(x).astype("float64"), outputs
    )
    trained.set_weights(weights)
    masks = sum(reference.resize_bilinear(m, 32, 32) for m in outputs["mask_logits"])
    expected = {
        "mask_loss": reference.focal_mask_loss(labels, masks),
        "dice_loss": reference.dice_mask_loss(labels, masks),
    }
    expected["loss"] = (
        reference.segmentation_loss(labels, outputs["logits"])
        + 5 * expected["mask_loss"]
        + 2 * expected["dice_loss"]
    )
    logs = trained.fit(images, labels, shuffle=False, verbose=0).history
    for key, value in expected.items():
        assert logs[key] == [pytest.approx(value, rel=1e-3)], key

    # Without one valid pixel there is nothing to learn, and all stays finite.
    logs = trained.fit(
        images, np.full_like(labels, VOID), shuffle=False, verbose=0
    ).history
    assert logs["mask_loss"] == logs["dice_loss"] == logs["loss"] == [0]
    assert all(np.isfinite(x).all() for x in arrays(trained.weights))


def test_overfits_two_images_and_updates_the_memory(trained):
    images, labels = scene()
    before = memories(trained)
    trained.optimizer.learning_rate = 3e-4  # ten times that in the head
    history = trained.fit(images, labels, epochs=60, shuffle=False, verbose=0).history
    assert np.mean(history["loss"][-5:]) < 0.7 * history["loss"][0]
    assert np.mean(history["mean_iou"][-5:]) > 0.8, history["mean_iou"][-5:]
    after = memories(trained)
    assert np.abs(after[0] - before[0]).mean() > 0.01
    trained.evaluate(images, labels, verbose=0)
    trained.predict(images, verbose=0)
    assert_equal(memories(trained), after)


def test_a_resumed_run_has_the_memory_of_an_uninterrupted_one(trained, tmp_path):
    images, labels = scene()
    trained.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_equal(memories(loaded), memories(trained))
    for model in (trained, loaded):
        model.fit(images, labels, epochs=2, shuffle=False, verbose=0)
    for a, e in zip(memories(loaded), memories(trained), strict=True):
        np.testing.assert_allclose(a, e, atol=1e-5)
    steps = arrays(m.head.updates[0].memory.step for m in (trained, loaded))
    assert steps[0] == steps[1] > 60


@pytest.mark.parametrize("source", ABLATION)
def test_each_step_of_the_ablation_learns(source):
    model, (images, labels) = make_model(source=source), scene()
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(images, labels, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    losses = {"mask_loss", "dice_loss"} if model.head.has_masks else set()
    assert set(history) == {"loss", "mean_iou", *losses}


@pytest.mark.parametrize("frozen", [False, True])
def test_a_batch_of_one_with_an_absent_class(frozen):
    """Single images train, and inference then knows them."""
    model, (images, labels) = make_model(freeze_backbone_norm=frozen), scene()
    labels[labels == 2] = 0
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(images, labels, batch_size=1, epochs=20, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    result = model.evaluate(images, labels, batch_size=1, return_dict=True, verbose=0)
    assert np.isfinite(list(result.values())).all()
    assert result["loss"] < 3 * history["loss"][0]
    assert all(np.isfinite(x).all() for x in arrays(model.weights))


def test_stride_32_alone():
    model, (images, labels) = make_model(4, pyramid_levels=["P5"]), scene()
    outputs = model.training_outputs(images)
    assert [m.shape[1:3] for m in outputs["mask_logits"]] == [(1, 1)]
    before = memories(model)
    history = model.fit(images, labels, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert np.abs(memories(model)[0] - before[0]).max() > 0
    assert model.predict(images[:, :21], verbose=0).shape == (2, 21, 32, NUM_CLASSES)


def test_prototypes():
    model = make_model(3)
    names, vectors = model.prototypes()
    assert names == ["class 0", "class 1", "class 2"]
    assert_equal([vectors, model.prototypes(1)[1]], memories(model))
    assert make_model(class_names=["a", "b", "c"]).prototypes()[0] == ["a", "b", "c"]
    some = make_model(class_names=["a", "b", "c"], classes_learned=[2, 0])
    names, vectors = some.prototypes()
    assert names == ["c", "a"] and vectors.shape == (2, 8)
    assert some.predict(scene()[0], verbose=0).shape[-1] == NUM_CLASSES
    with pytest.raises(ValueError, match="no memory of query update 2"):
        model.prototypes(2)
    for source in ABLATION[:-1]:
        with pytest.raises(ValueError, match=f"source='{source}'"):
            make_model(source=source).prototypes()


def test_presets(tmp_path):
    model = make_model(class_names=["a", "b", "c"], memory_momentum=decay())
    set_random_weights(model.head, seed=3)
    model.save_to_preset(tmp_path / "preset")
    copy = keras_seg.models.load_model(tmp_path / "preset")
    assert type(copy) is keras_seg.CPT
    assert_equal(arrays(copy.weights), arrays(model.weights))
    assert copy.get_config()["memory_momentum"] == model.get_config()["memory_momentum"]
    assert copy.prototypes()[0] == ["a", "b", "c"]

    constant = keras_seg.CPT.from_preset(tmp_path / "preset", memory_momentum=0.2)
    assert_equal(memories(constant), memories(model))
    other = keras_seg.CPT.from_preset(tmp_path / "preset", num_classes=5)
    (old,), (new,) = memories(model), memories(other)
    assert new.shape == (5, 8)
    np.testing.assert_allclose(np.linalg.norm(new, axis=-1), 1, rtol=1e-5)
    old, new = model.head.updates[0], other.head.updates[0]
    assert_equal(
        arrays([*new.attention.weights, new.prototypes.alignment.kernel]),
        arrays([*old.attention.weights, old.prototypes.alignment.kernel]),
    )
    assert new.prototypes.mask_classifier.kernel.shape[-1] == 5


def test_presets_are_those_of_the_class():
    assert not any("ecenet" in name for name in keras_seg.CPT.presets)
    with pytest.raises(ValueError, match="Unknown preset 'nothing' for CPT"):
        keras_seg.CPT.from_preset("nothing")


def test_mixed_precision_and_labels_with_a_channel():
    model = keras_seg.CPT(
        TinyBackbone(2, dtype="mixed_bfloat16"), NUM_CLASSES, 8, 2, pool_dim=4
    )
    assert model.head.updates[0].attention.compute_dtype == "bfloat16"
    images, labels = scene()
    history = model.fit(images, labels[..., None], epochs=2, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert memories(model)[0].dtype == "float32"


def test_auxiliary_weights():
    model = make_model(auxiliary_weights={"dice": 0.0})
    assert model.auxiliary_weights == {"mask": 5.0, "dice": 0.0}
    assert model.get_config()["auxiliary_weights"] == model.auxiliary_weights


def test_backbone_of_keras_hub():
    model = keras_seg.CPT(tiny_backbone(), NUM_CLASSES, hidden_dim=8, num_heads=2)
    assert model.pyramid_levels == ["P2", "P3"]
    images, _ = scene()
    logits = model.predict(images[:, :21], verbose=0)
    assert logits.shape == (2, 21, 32, NUM_CLASSES) and np.isfinite(logits).all()


def test_unknown_source():
    with pytest.raises(ValueError, match="or 'bilinear'. Received: source='tokens'"):
        make_model(source="tokens")
    with pytest.raises(ValueError, match="one of 'pixels', 'prototypes', 'memory'. R"):
        keras_seg.layers.QueryUpdate(3, source="bilinear")
