"""Floating-point operations of a model, counted by XLA."""

import json
import os
import subprocess
import sys


def count_operations(model, inputs):
    """Operations of one call in inference; a product with its addition counts as two.

    Works with the backend JAX alone. The network is not compiled: what the compiler
    leaves out is less than 0.2 %.

    Args:
        model: Keras model that is built.
        inputs: Array, or list of arrays, or of `jax.ShapeDtypeStruct`.
    """
    import jax

    def forward(weights, inputs):
        return model.stateless_call(*weights, inputs, training=False)[0]

    weights = (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
    )
    return jax.jit(forward).lower(weights, inputs).cost_analysis()["flops"]


def counted_in_own_process(script, *arguments):
    """The JSON in the last line that a script prints on JAX, or `None` without JAX."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        print("Operations are not counted: that needs JAX, see above.", flush=True)
        return None
    return json.loads(done.stdout.splitlines()[-1])
