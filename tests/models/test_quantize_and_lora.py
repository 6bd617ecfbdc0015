"""`quantize` and `enable_lora` of Keras, which replace or add weights of layers."""

import keras
import numpy as np
import pytest
from model_harness import random_model, scene

import keras_seg

IMAGES, LABELS = scene()


@pytest.fixture
def swin_model():
    """A model on a small Swin, after a prediction."""
    backbone = keras_seg.backbones.SwinBackbone(
        8, depths=(1, 1), num_heads=(1, 2), window_size=4, drop_path=0.0
    )
    model = keras_seg.ECENet(backbone, num_classes=3, hidden_dim=8, num_heads=2)
    model.predict_on_batch(IMAGES)
    return model


def add_lora(model):
    """Adds LoRA to the attention of the backbone. Returns the layers that have it."""
    swin_block = keras_seg.backbones.SwinBlock
    blocks = [x for x in model.backbone.layers if isinstance(x, swin_block)]
    layers = [block.attention.query_key_value for block in blocks]
    for layer in layers:
        layer.enable_lora(rank=2)
    return layers


def logits_of_call(model):
    return keras.ops.convert_to_numpy(model(IMAGES, training=False))


def test_lora_trains_and_is_merged_into_the_saved_weights(swin_model, tmp_path):
    model, before = swin_model, swin_model.predict_on_batch(IMAGES)
    layers = add_lora(model)
    assert layers
    np.testing.assert_array_equal(model.predict_on_batch(IMAGES), before)
    kernels = [keras.ops.convert_to_numpy(x._kernel) for x in layers]
    model.compile(keras.optimizers.AdamW(0.05))
    model.fit(IMAGES, LABELS, epochs=1, verbose=0)
    for layer, kernel in zip(layers, kernels, strict=True):
        np.testing.assert_array_equal(layer._kernel, kernel)
        assert np.any(keras.ops.convert_to_numpy(layer.lora_kernel_b))

    after = model.predict_on_batch(IMAGES)
    np.testing.assert_allclose(after, logits_of_call(model), atol=1e-4)
    assert np.abs(after - before).max() > 1e-3

    model.save_to_preset(tmp_path)
    copy = keras_seg.ECENet.from_preset(tmp_path)
    assert len(copy.weights) == len(model.weights) - 2 * len(layers)
    np.testing.assert_allclose(copy.predict_on_batch(IMAGES), after, atol=1e-4)


def test_predictions_see_lora_that_was_added_after_the_first(swin_model):
    model, before = swin_model, swin_model.predict_on_batch(IMAGES)
    for layer in add_lora(model):
        layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))
    after = model.predict_on_batch(IMAGES)
    np.testing.assert_allclose(after, logits_of_call(model), atol=1e-4)
    assert np.abs(after - before).max() > 1e-3


def test_labels_see_lora_that_was_added_after_the_first(swin_model):
    swin_model.predict_labels(IMAGES)
    for layer in add_lora(swin_model):
        layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))
    labels = swin_model.predict_labels(IMAGES)
    expected = logits_of_call(swin_model).argmax(-1)
    assert np.mean(labels == expected) > 0.99


@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
@pytest.mark.parametrize("name", ["ECENet", "CPT", "SGR"])
def test_quantized_models_predict_and_are_not_saved(name, tmp_path):
    model = random_model(name)
    before = model.predict_on_batch(IMAGES)
    model.quantize("int8")
    modes = {x.quantization_mode for x in model._flatten_layers()}
    assert "int8" in modes
    after = model.predict_on_batch(IMAGES)
    np.testing.assert_allclose(after, logits_of_call(model), atol=1e-4)
    assert 0 < np.abs(after - before).max() < 0.1 * np.abs(before).max()
    for save in (
        lambda: model.save_to_preset(tmp_path / "preset"),
        lambda: model.save(tmp_path / "model.keras"),
    ):
        with pytest.raises(ValueError, match="before `quantize`"):
            save()
    assert not (tmp_path / "preset").exists()
