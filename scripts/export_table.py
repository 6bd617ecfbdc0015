"""Exports models of all methods and backbones and writes the table of docs/export.md.

    python scripts/export_table.py            all rows, minutes for each
    python scripts/export_table.py --rows sgr some rows; the others stay as they are

Each file is run in its own runtime and compared with its model as in
`model.export_to`. A row is kept in docs/export.json until it is made again.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

import keras_seg
from keras_seg.export.check_model import check_model
from keras_seg.export.compare import check_batches, compare
from keras_seg.export.convert import convert, run_file
from keras_seg.export.formats import FORMATS

DOCS = Path(__file__).parents[1] / "docs"
ROWS, PAGE = DOCS / "export.json", DOCS / "export.md"
BEGIN, END = "<!-- table: scripts/export_table.py -->", "<!-- end of the table -->"
TITLES = {
    "onnx": "ONNX",
    "litert": "LiteRT",
    "openvino": "OpenVINO",
    "saved-model": "SavedModel",
}


def resnet(**kwargs):
    return {
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 128, 256, 512],
        "stackwise_num_blocks": [2, 2, 2, 2],
        "stackwise_num_strides": [1, 2, 2, 2],
        "block_type": "basic_block",
        **kwargs,
    }


def swin():
    return keras_seg.backbones.SwinBackbone(
        embed_dim=32, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8], window_size=7
    )


def mit():
    return keras_seg.backbones.MiTBackbone(
        num_layers=4,
        hidden_dims=[32, 64, 160, 256],
        layerwise_depths=[2, 2, 2, 2],
        layerwise_num_heads=[1, 2, 5, 8],
        layerwise_sr_ratios=[8, 4, 2, 1],
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        max_drop_path_rate=0.1,
    )


def shipped(name):
    return lambda: keras_seg.models.load_model(name)


def paper(name):
    return lambda: keras_seg.models.load_model(
        name, load_weights=False, backbone_weights=None
    )


MODELS = {
    **{name: shipped(name) for name in keras_seg.presets.list_presets()},
    "ecenet/cityscapes_mit_b2_1024, random weights": paper(
        "ecenet/cityscapes_mit_b2_1024"
    ),
    "ECENet with the reasoner, MiT-B0, random weights": lambda: keras_seg.ECENet(
        mit(), 19, hidden_dim=64, reasoner=True
    ),
    "CPT with the reasoner, Swin, random weights": lambda: keras_seg.CPT(
        swin(), 19, hidden_dim=64, reasoner=True
    ),
    "SGR, dilated ResNet-18, random weights": lambda: keras_seg.SGR(
        keras_seg.backbones.DilatedResNetBackbone(output_stride=16, **resnet()), 19
    ),
}


def make_row(model):
    """Exports a model to each format.

    Returns:
        Dictionary from formats to `{"mb", "different_labels", "largest_difference"}`,
        or to an error in one line.
    """
    row = {}
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        files = {form: work / f"model{FORMATS[form].suffix}" for form in FORMATS}
        modules = check_model(model)
        row.update(convert(model, modules, files, None, "logits", "float32", work))
        batches = check_batches()
        expected = {key: model.predict_on_batch(x) for key, x in batches.items()}
        for form in [form for form in files if form not in row]:
            try:
                outputs = run_file(form, files[form], batches, work)
                check = compare(expected, outputs)
            except ValueError as error:
                row[form] = str(error)
                continue
            parts = [files[form], files[form].with_suffix(".bin")]
            if form != "openvino":
                parts = [p for p in [files[form], *files[form].rglob("*")]]
            size = sum(part.stat().st_size for part in parts if part.is_file())
            row[form] = {"mb": round(size / 1e6, 1), **check}
    return row


def table(rows):
    """The rows as a table in Markdown."""
    lines = [
        "| model | parameters | " + " | ".join(TITLES.values()) + " |",
        "|---|---|" + "---|" * len(TITLES),
    ]
    for name, row in rows.items():
        cells = [name, f"{row['parameters'] / 1e6:.1f} M"]
        cells += [cell(row["formats"][form]) for form in TITLES]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(entry):
    if isinstance(entry, str):
        return f"no: {entry[:120]}".replace("|", "/")
    different = entry["different_labels"]
    share = f"{different:.2%}" if different else "0"
    return f"{share}; {entry['largest_difference']:.0e}; {entry['mb']} MB"


def write_page(rows):
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(rows)}\n\n{END}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", help="parts of the names of rows")
    options = parser.parse_args()
    rows = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    for name, build in MODELS.items():
        if options.rows and not any(part in name for part in options.rows):
            continue
        model = build()
        if "random weights" in name:
            generator = np.random.default_rng(0)
            for weight in model.weights:  # statistics and biases that no new model has
                noise = generator.normal(0, 0.02, weight.shape)
                weight.assign(weight + noise.astype("float32"))
        row = {"parameters": model.count_params(), "formats": make_row(model)}
        rows[name] = row
        rows = {name: rows[name] for name in MODELS if name in rows}
        ROWS.write_text(json.dumps(rows, indent=1) + "\n")
        print(name, *map(cell, row["formats"].values()), sep="\n  ", flush=True)
    write_page(rows)


if __name__ == "__main__":
    main()
