"""A trained entry of a comparison, and its data."""

import json
import pathlib

from recipe import at_final_scale, open_split, recipe_of
from run import RECIPE, RESULTS, read_lines


def load_entry(options, folder, entry, seed, split="val"):
    """Loads a model of a comparison with the weights that were measured.

    Args:
        options: Namespace with the options of the recipe, for `data_dir`.
        folder: Path of the comparison.
        entry: String, a key of `entries.ENTRIES`.
        seed: Integer.
        split: String.

    Returns:
        The model, the source of the split, and the line of results of the run.
    """
    from entries import build_entry

    folder = pathlib.Path(folder)
    recipe = {**recipe_of(options), **json.loads((folder / RECIPE).read_text())}
    lines = [
        line
        for line in read_lines(folder / RESULTS)
        if (line["entry"], line["seed"]) == (entry, seed) and split in line
    ]
    if not lines:
        raise SystemExit(f"{folder} has no result of {entry}, seed {seed}, on {split}.")
    source = open_split(recipe, split)
    model = build_entry(entry, source, {**recipe, "backbone_weights": None})
    model.load_weights(folder / f"{entry}-seed{seed}" / lines[0]["weights"])
    return at_final_scale(model, recipe), source, lines[0]
