"""JAX keeps what it compiled: its first run takes minutes, the next ones do not."""

import os
import pathlib

CACHE = pathlib.Path(__file__).parent.parent / ".pytest_cache" / "jax"

os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
