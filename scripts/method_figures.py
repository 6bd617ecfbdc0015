"""Takes the figures of docs/methods from the executed notebook `look_inside`.

    python scripts/run_notebooks.py look_inside --backends tensorflow
    python scripts/method_figures.py build/notebooks/look_inside.ipynb

A cell whose figure is on a page has the name of the file as its tag.
"""

import argparse
import base64
import io
import json
import pathlib

from PIL import Image

METHODS = pathlib.Path(__file__).parents[1] / "docs" / "methods"
MAX_BYTES = 150_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("notebook", help="executed, with outputs")
    parser.add_argument("--output", default=METHODS, type=pathlib.Path)
    args = parser.parse_args()
    notebook = json.loads(pathlib.Path(args.notebook).read_text("utf-8"))
    for cell in notebook["cells"]:
        for tag in cell["metadata"].get("tags", []):
            print(save(figure_of(cell, tag), args.output / f"{tag}.png"))


def figure_of(cell, tag):
    """The bytes of the last PNG among the outputs of a cell."""
    found = [
        x["data"]["image/png"]
        for x in cell["outputs"]
        if "image/png" in x.get("data", {})
    ]
    if not found:
        raise SystemExit(
            f"The cell with the tag {tag} has no figure: run the notebook."
        )
    return base64.b64decode(found[-1])


def save(content, path):
    """Writes a picture with a palette of 256 colours."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{path} has {size:,} bytes, more than {MAX_BYTES:,}.")
    return f"{path.name}: {picture.width} x {picture.height}, {size:,} bytes"


if __name__ == "__main__":
    main()
