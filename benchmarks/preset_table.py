"""Parameters and operations of the papers' presets, beside what the papers say.

    KERAS_BACKEND=jax python benchmarks/preset_table.py --flops \
        --output benchmarks/results/presets.md
    KERAS_BACKEND=torch python benchmarks/preset_table.py --only swin_base cpt/

One model is built after the other, with random weights and without a network. `--flops`
asks XLA, the compiler of JAX, what one crop takes in inference, from the shapes alone:
nothing is computed. A multiplication with its addition counts as two. `--only` keeps
presets whose names hold one of the words.
"""

import argparse
import gc
import math
import pathlib
import sys

import keras

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from keras_seg import models, presets
from keras_seg.presets.configuration_table import PUBLISHED_HEAD_PARAMETERS

COLUMNS = ("preset", "crop", "test", "backbone", "head", "published head", "GFLOPs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD")
    parser.add_argument("--flops", action="store_true", help="operations, on JAX")
    parser.add_argument("--output", type=pathlib.Path, help="Markdown file to write")
    options = parser.parse_args()
    if options.flops and keras.config.backend() != "jax":
        parser.error("--flops needs KERAS_BACKEND=jax")
    names = [
        name
        for name in presets.paper_presets()
        if any(word in name for word in options.only)
    ]
    if not names:
        parser.error(f"no preset has a name with {' or '.join(options.only)}")
    lines = [
        "# The papers' presets",
        "",
        "Millions of trainable parameters, and of the head what its paper gives.",
        "Operations are those of one crop in inference. The authors themselves give",
        "the configurations with a *.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for line in lines:
        print(line)
    for name in names:
        lines.append(row(name, options.flops))
        print(lines[-1], flush=True)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text("\n".join(lines) + "\n")


def row(name, flops=False):
    """One line of the table."""
    keras.backend.clear_session()
    gc.collect()  # the model before this one
    facts = presets.describe_preset(name)
    model = models.load_model(name, load_weights=False, backbone_weights=None)
    window, stride = (facts["test_protocol"][key] for key in ("window", "stride"))
    known = PUBLISHED_HEAD_PARAMETERS.get(name)
    cells = (
        f"`{name}`{' *' if facts['published'] else ''}",
        "{} x {}".format(*facts["crop_size"]),
        "whole" if window is None else f"slide {window[0]} / {stride[0]}",
        f"{millions(model.backbone):.2f}",
        f"{millions(model.head):.2f}",
        "" if known is None else f"{known:.2f}",
        f"{count(model, facts['crop_size']) / 1e9:.0f}" if flops else "",
    )
    return f"| {' | '.join(cells)} |"


def millions(layer):
    return sum(math.prod(v.shape) for v in layer.trainable_variables) / 1e6


def count(model, size):
    import jax

    def forward(weights, images):
        return model.stateless_call(*weights, images, training=False)[0]

    def shapes(variables):
        return [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in variables]

    weights = (
        shapes(model.trainable_variables),
        shapes(model.non_trainable_variables),
    )
    images = jax.ShapeDtypeStruct((1, *size, 3), "float32")
    return jax.jit(forward).lower(weights, images).cost_analysis()["flops"]


if __name__ == "__main__":
    main()
