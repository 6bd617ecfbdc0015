import json

import keras
import numpy as np
import pytest

from keras_seg.optimizers import PolynomialDecay


def compiled(schedule, steps):
    """The values inside of a compiled step of a model."""
    inputs = keras.Input((), dtype="int32")
    model = keras.Model(inputs, keras.layers.Lambda(schedule)(inputs))
    return model.predict(np.asarray(steps, "int32"), verbose=0)


@pytest.mark.parametrize("decay_steps", [1, 3, 20, 49])
def test_values_to_the_end_and_beyond(decay_steps):
    """Keras's own schedule gives NaN on JAX at step 20 of 20."""
    schedule = PolynomialDecay(0.1, decay_steps, 0.009, power=0.9)
    steps = np.arange(decay_steps + 3)
    rest = np.maximum(1 - steps / decay_steps, 0)
    expected = (0.1 - 0.009) * rest**0.9 + 0.009
    np.testing.assert_allclose(compiled(schedule, steps), expected, rtol=1e-5)
    for step in (0, decay_steps - 1, decay_steps, decay_steps + 1):
        assert float(schedule(step)) == pytest.approx(expected[step], rel=1e-5)


def test_warmup_rises_linearly_to_the_decay():
    plain = PolynomialDecay(0.1, 20)
    warm = PolynomialDecay(0.1, 20, warmup_steps=5)
    factors = compiled(warm, range(8)) / compiled(plain, range(8))
    np.testing.assert_allclose(factors, [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1], rtol=1e-5)
    assert PolynomialDecay.from_config(warm.get_config()).warmup_steps == 5


def test_is_a_learning_rate_that_survives_json():
    optimizer = keras.optimizers.SGD(PolynomialDecay(0.1, 20, 0.01, power=2.0))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(optimizer)))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == pytest.approx(0.1)


@pytest.mark.parametrize("arguments", [(0.1, 0), (0.1, 5, 0.0, 0)])
def test_errors(arguments):
    with pytest.raises(ValueError, match="`decay_steps` must be at least 1"):
        PolynomialDecay(*arguments)
