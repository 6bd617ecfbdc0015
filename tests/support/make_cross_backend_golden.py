"""Writes golden/FAMILY_small.npz, the logits that every backend must give.

    KERAS_BACKEND=tensorflow python tests/support/make_cross_backend_golden.py cpt

Only needed again after a change that is meant to change the numbers.
"""

import sys

import numpy as np
from project_paths import GOLDEN
from small_models import BUILDERS, small_images, small_model


def golden_path(family):
    return GOLDEN / f"{family}_small.npz"


def main(families):
    images = small_images()
    for family in families or BUILDERS:
        arrays = {"images": images}
        for name in BUILDERS[family]:
            arrays[name] = small_model(family, name).predict(images, verbose=0)
            spread = arrays[name].std(axis=(0, 1, 2))
            print(f"{family} {name}: {arrays[name].shape}, spread by class {spread}")
        path = golden_path(family)
        np.savez_compressed(path, **arrays)
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
