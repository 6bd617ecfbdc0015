"""In float16 Keras wraps the optimizer; all that it does must still be done."""

import keras
import numpy as np
import pytest
from random_weights import random_array, set_random_weights
from run_settings import settings_of

from keras_seg.optimizers import MultiplierAdamW
from keras_seg.training import RunError, RunFolder
from keras_seg.training.open_run import open_run

X, Y = random_array(4, 3, seed=5), random_array(4, 2, seed=6)


def make_model(**options):
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, activation="tanh", name="body")(inputs)
    x = keras.layers.Dense(2, name="head")(x)
    model = keras.Model(inputs, keras.layers.Activation("linear", dtype="float32")(x))
    set_random_weights(model, seed=1)
    model.compile(
        MultiplierAdamW(0.01, {"^head/": 10.0}, weight_decay=0.0, **options),
        "mse",
        loss_weights=0.1,  # the scaled gradients do not overflow
    )
    return model


@pytest.fixture
def float16():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def float32_weights():
    """After two steps without float16, with accumulation and averaging."""
    return weights_after_steps(make_model(**OPTIONS))


OPTIONS = {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.5}


def weights_after_steps(model):
    for _ in range(4):
        model.train_on_batch(X, Y)
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    averages = [np.array(v) for v in inner._model_variables_moving_average]
    return model.get_weights() + averages


def test_multipliers_accumulation_and_averages(float32_weights, float16):
    model = make_model(**OPTIONS)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    weights = weights_after_steps(model)
    assert int(model.optimizer.iterations) == 2
    assert len(weights) == 8
    for actual, expected in zip(weights, float32_weights, strict=True):
        np.testing.assert_allclose(actual, expected, atol=2e-3)


@pytest.mark.filterwarnings("ignore:Skipping variable loading")
def test_a_run_with_skipped_steps_goes_on(tmp_path, float16):
    """Its optimizer has counted less steps than were shown to it."""
    model = make_model(use_ema=True, ema_momentum=0.5)
    run = RunFolder(tmp_path, 2, note={})
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    x, y = np.concatenate([X, X]), np.concatenate([Y, 1000 * Y])
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    model.fit(x, y, epochs=3, callbacks=[swap, run], **options)
    assert int(model.optimizer.iterations) < 6  # the second batch overflows
    scale = float(model.optimizer.dynamic_scale)
    assert scale < model.optimizer.initial_scale
    again = make_model(use_ema=True, ema_momentum=0.5)
    resumed = RunFolder(tmp_path, 2, note={})
    assert resumed.restore(again) == 3
    assert float(again.optimizer.dynamic_scale) == scale
    other = make_model()
    with pytest.raises(RunError, match="fits another"):
        RunFolder(tmp_path, 2, note={}).restore(other)


def test_jax_on_a_cpu_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    words = f"--data-dir x --output {tmp_path / 'run'} --precision mixed_float16"
    with pytest.raises(RunError, match="mixed_bfloat16"):
        open_run(settings_of(words), None)
    assert not (tmp_path / "run").exists()
