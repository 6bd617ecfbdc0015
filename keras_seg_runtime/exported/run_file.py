"""Runs an exported file on arrays, in a process of its own.

python -m keras_seg_runtime.exported.run_file FORMAT FILE IMAGES.npz OUTPUTS.npz
"""

import sys

import numpy as np

from keras_seg_runtime.exported.sessions import SESSIONS


def main(form, path, images_path, outputs_path):
    """Writes the output for each array of `images_path` under the same name."""
    session = SESSIONS[form](path)
    with np.load(images_path) as images:
        outputs = {name: session.run(images[name]) for name in images.files}
    np.savez(outputs_path, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
