"""Weights and inputs from a seeded generator, the same on every backend."""

import math

import numpy as np
from keras import ops


def set_random_weights(layer, seed=0):
    """Fills all variables in their order, each at a scale that keeps signals alive."""
    rng = np.random.default_rng(seed)
    for variable in layer.variables:
        kind = variable.path.split("/")[-1]
        shape = tuple(variable.shape)
        if "seed_generator" in variable.path:
            continue
        if kind == "moving_variance":
            value = rng.uniform(0.5, 2.0, shape)
        elif kind == "gamma":
            value = rng.normal(1.0, 0.2, shape)
        elif kind == "kernel":
            depthwise = len(shape) == 4 and shape[-1] == 1
            fan_in = math.prod(shape[:2] if depthwise else shape[:-1])
            if len(shape) == 3:  # grouped
                fan_in = shape[1]
            value = rng.normal(0.0, math.sqrt(2 / fan_in), shape)
        else:
            value = rng.normal(0.0, 0.2, shape)
        variable.assign(value.astype("float32"))


def named_weights(layer):
    """Float64 arrays by their names inside the layer, such as "intrinsic/kernel"."""
    return {
        "/".join(v.path.split("/")[1:]): ops.convert_to_numpy(v).astype("float64")
        for v in layer.weights
    }


def random_array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")
