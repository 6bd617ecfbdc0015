"""Seeds for every test, and settings to compile fast."""

import os
import pathlib

CACHE = pathlib.Path(__file__).parent.parent / ".pytest_cache" / "jax"

# JAX's first run takes minutes, the next ones do not.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# Tests run what is compiled only a few times: compiling fast matters, not the code.
# XLA's fusion emitters take more than half of the time to compile a training step.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")
if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

import keras  # noqa: E402  (after JAX's settings)
import pytest  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def seed_of_the_module():
    """Before the fixtures that are made once for a module."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def seed_of_the_test(seed_of_the_module):
    """A test sees the same numbers alone and after others."""
    keras.utils.set_random_seed(0)
