"""Writes golden/ecenet_small.npz, the logits that every backend must give.

    KERAS_BACKEND=tensorflow python tests/make_cross_backend_golden.py

Only needed again after a change that is meant to change the numbers.
"""

import pathlib

import numpy as np
from small_models import BUILDERS, small_images, small_model

GOLDEN = pathlib.Path(__file__).parent / "golden" / "ecenet_small.npz"


def main():
    images = small_images()
    arrays = {"images": images}
    for name in BUILDERS:
        arrays[name] = small_model(name).predict(images, verbose=0)
        spread = arrays[name].std(axis=(0, 1, 2))
        print(f"{name}: {arrays[name].shape}, spread of each class {spread}")
    np.savez_compressed(GOLDEN, **arrays)
    print(f"{GOLDEN.name}: {GOLDEN.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
