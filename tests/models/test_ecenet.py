"""ECENet as a whole: its losses, its training and its saved form."""

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


def make_model(num_levels=2, **kwargs):
    kwargs = {"hidden_dim": 8, "num_heads": 2, "dropout": 0.0, **kwargs}
    return keras_seg.ECENet(TinyBackbone(num_levels), NUM_CLASSES, **kwargs)


@pytest.fixture(scope="module")
def trained():
    """A model that the next two tests train with one compiled step."""
    model = make_model()
    set_random_weights(model.backbone, seed=1)
    set_random_weights(model.head, seed=2)
    return model


def test_the_loss_is_that_of_the_paper(trained):
    """Cross-entropy + 5 focal + 2 dice + 0.2 diversity, and each in the logs."""
    images, labels = scene()
    weights = trained.get_weights()
    outputs = trained.training_outputs(images)
    outputs = keras.tree.map_structure(
        lambda x: ops.convert_to_numpy(x).astype("float64"), outputs
    )
    trained.set_weights(weights)
    expected = {
        "mask_loss": reference.focal_mask_loss(labels, outputs["mask_logits"]),
        "dice_loss": reference.dice_mask_loss(labels, outputs["mask_logits"]),
        "diversity_loss": reference.diversity_loss(outputs["diversity"], [4, 4]),
    }
    expected["loss"] = (
        reference.segmentation_loss(labels, outputs["logits"])
        + 5 * expected["mask_loss"]
        + 2 * expected["dice_loss"]
        + 0.2 * expected["diversity_loss"]
    )
    logs = trained.fit(images, labels, shuffle=False, verbose=0).history
    for key, value in expected.items():
        assert logs[key] == [pytest.approx(value, rel=1e-3)], key

    # Without one valid pixel only the diversity is left.
    logs = trained.fit(
        images, np.full_like(labels, VOID), shuffle=False, verbose=0
    ).history
    assert logs["mask_loss"] == logs["dice_loss"] == [0]
    assert logs["loss"] == [pytest.approx(0.2 * logs["diversity_loss"][0], rel=1e-4)]


def test_overfits_two_images(trained):
    images, labels = scene()
    trained.optimizer.learning_rate = 3e-4  # ten times that in the head
    history = trained.fit(images, labels, epochs=60, shuffle=False, verbose=0).history
    assert np.mean(history["loss"][-5:]) < 0.7 * history["loss"][0]
    assert np.mean(history["mean_iou"][-5:]) > 0.8, history["mean_iou"][-5:]


def test_the_ablation_without_gates_learns():
    model, (images, labels) = make_model(gated=False, dropout=0.1), scene()
    assert not any(updater.weights for updater in model.head.updaters)
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(images, labels, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]


def test_auxiliary_weights():
    model = make_model(auxiliary_weights={"dice": 0.0, "diversity": 1.5})
    assert model.auxiliary_weights == {"mask": 5.0, "dice": 0.0, "diversity": 1.5}
    assert model.get_config()["auxiliary_weights"] == model.auxiliary_weights


def test_backbone_of_keras_hub():
    model = keras_seg.ECENet(tiny_backbone(), NUM_CLASSES, hidden_dim=8, num_heads=2)
    assert model.pyramid_levels == ["P2", "P3"]
    images, _ = scene()
    logits = model.predict(images[:, :21], verbose=0)
    assert logits.shape == (2, 21, 32, NUM_CLASSES) and np.isfinite(logits).all()
