"""AdamW with a learning rate of its own for some variables."""

import json

import keras
import numpy as np
import pytest
from random_weights import random_array, set_random_weights

from keras_seg.optimizers import MultiplierAdamW

STEPS = 4


def make_model():
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, activation="tanh", name="body")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    set_random_weights(model, seed=1)
    return model


def train(model, optimizer, steps=STEPS):
    """The weights after each step."""
    model.compile(optimizer, loss="mse")
    history = []
    for step in range(steps):
        x, y = random_array(5, 3, seed=step), random_array(5, 2, seed=10 + step)
        model.train_on_batch(x, y)
        history.append([np.array(w) for w in model.get_weights()])
    return history


def steps_of_both(**kwargs):
    theirs = train(make_model(), keras.optimizers.AdamW(0.01, **kwargs))
    return train(make_model(), MultiplierAdamW(0.01, **kwargs)), theirs


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"weight_decay": 0.1, "global_clipnorm": 0.5},
        {"amsgrad": True, "beta_1": 0.8},
        {"gradient_accumulation_steps": 2},
    ],
)
def test_without_multipliers_it_is_adamw(kwargs):
    for ours, theirs in zip(*steps_of_both(**kwargs), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_learning_rate_schedule_is_multiplied():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    ours = train(
        make_model(),
        MultiplierAdamW(schedule, multipliers={"": 0.1}, weight_decay=0),
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 1, 0.5)
    theirs = train(make_model(), keras.optimizers.AdamW(schedule, weight_decay=0))
    for a, b in zip(ours[-1], theirs[-1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_factors_act_on_their_variables():
    start = make_model().get_weights()
    plain = train(make_model(), MultiplierAdamW(0.01, weight_decay=0), steps=1)[0]
    factors = {"^head/kernel": 10.0, "^head": 0.5, "kernel": 0.0}  # the first counts
    model = make_model()
    scaled = train(model, MultiplierAdamW(0.01, factors, weight_decay=0), steps=1)[0]
    expected = {
        "body/kernel": 0.0,
        "body/bias": 1.0,
        "head/kernel": 10.0,
        "head/bias": 0.5,
    }
    for variable, old, a, b in zip(model.weights, start, plain, scaled, strict=True):
        assert np.abs(a - old).min() > 1e-3
        factor = expected.pop(variable.path)
        np.testing.assert_allclose(b - old, factor * (a - old), atol=1e-6)
    assert not expected


def test_weight_decay_is_not_multiplied():
    start = make_model().get_weights()
    optimizer = MultiplierAdamW(0.01, {"": 0.0}, ["bias"], weight_decay=0.5)
    model = make_model()
    after = train(model, optimizer, steps=1)[0]
    for variable, old, new in zip(model.weights, start, after, strict=True):
        decay = 1 if "bias" in variable.path else 1 - 0.5 * 0.01
        np.testing.assert_allclose(new, decay * old, rtol=1e-5)


def test_config_survives_json():
    optimizer = MultiplierAdamW(0.02, multipliers={"^head/": 10.0}, weight_decay=0.3)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(optimizer)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == optimizer.get_config()
    a = train(make_model(), optimizer)[-1]
    b = train(make_model(), again)[-1]
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_saved_model_continues_as_the_original(tmp_path):
    optimizer = MultiplierAdamW(0.01, {"^head/": 10.0}, ["bias"], weight_decay=0.5)
    model = make_model()
    train(model, optimizer)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x, y = random_array(5, 3), random_array(5, 2)
    for m in (model, loaded):
        m.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_averaged_weights():
    history = train(make_model(), MultiplierAdamW(0.01, {"^head/": 10.0}))
    optimizer = MultiplierAdamW(0.01, {"^head/": 10.0}, use_ema=True, ema_momentum=0.9)
    model = make_model()
    train(model, optimizer)
    average = history[0]
    for weights in history[1:]:
        average = [0.9 * a + 0.1 * w for a, w in zip(average, weights, strict=True)]
    optimizer.finalize_variable_values(model.trainable_variables)
    for actual, expected in zip(model.get_weights(), average, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)
