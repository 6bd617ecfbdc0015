"""The report of a run as one page, with its pictures inside."""

import base64
import html

from keras_seg.training.replace_file import replace_file
from keras_seg.training.report_pictures import (
    draw_confusion,
    draw_curves,
    draw_examples,
)

STYLE = """\
body { font: 16px/1.5 sans-serif; max-width: 1120px; margin: 2em auto; padding: 0 1em;
  color: #1e2228; background: #fff; }
table { border-collapse: collapse; } td, th { padding: .2em .8em; text-align: right; }
td:first-child, th:first-child { text-align: left; }
tr { border-bottom: 1px solid #ddd; }
img { max-width: 100%; } .bar { background: #1f77b4; height: .8em; }
.box { display: inline-block; width: .9em; height: .9em; margin-right: .5em; }
.warning { background: #fff3d6; padding: .6em 1em; } .bars { width: 220px; }
"""


def write_report(args, run, model, held_out, results, details):
    """Writes `report.html` and its pictures to the folder of a run.

    Args:
        args: Namespace of all settings.
        run: `keras_seg.training.RunFolder`.
        model: The trained `keras_seg.models.Segmenter`.
        held_out: Dictionary from splits to sources.
        results: Dictionary, the content of `results.json`.
        details: Dictionary from splits to `keras_seg.training.report.Details`.
    """
    folder = run.path
    draw_curves(run.lines, folder)
    parts = [f"<h1>{html.escape(folder.resolve().name)}</h1>", _summary(results)]
    for warning in results["warnings"]:
        parts.append(f'<p class="warning">{html.escape(warning)}</p>')
    parts += ["<h2>Training</h2>", _picture(folder, "curves", "Loss and mean IoU")]
    for split, detail in details.items():
        result = results[split]
        names = list(result["class_iou"])
        draw_confusion(detail.confusion, names, folder, split)
        parts += [f"<h2>Classes, {split}</h2>", _classes(result, model, detail)]
        parts.append(
            "<p>Rows are truth, columns predictions, in per cent of a row.</p>"
        )
        parts.append(
            _picture(folder, f"{split}_confusion", f"Confusion matrix, {split}")
        )
        shown = draw_examples(
            args, model, held_out[split], detail.scores, folder, split
        )
        if shown:
            parts.append(f"<h2>Images, {split}</h2><p>Image, truth, prediction.</p>")
        for title, (name, score) in shown.items():
            text = f"{title}: {name}, mean IoU {score:.1%}"
            parts.append(f"<h3>{html.escape(text)}</h3>")
            parts.append(_picture(folder, f"{split}_{title}", text))
    parts.append(
        "<h2>Training crops</h2><p>As the model sees them, and with masks.</p>"
    )
    parts.append(_picture(folder, "crops", "Augmented training crops with masks"))
    parts += ["<h2>Settings</h2>", _settings(results)]
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Training report</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )
    with replace_file(folder / "report.html") as file:
        file.write_text(page, encoding="utf-8")


def _summary(results):
    rows = []
    for split in ("val", "test"):
        if split in results:
            result = results[split]
            rows.append(
                f"<p><b>{split}</b>, {result['images']} images: mean IoU "
                f"<b>{result['mean_iou']:.1%}</b>, mean class accuracy "
                f"{result['mean_class_accuracy']:.1%}, pixel accuracy "
                f"{result['pixel_accuracy']:.1%}</p>"
            )
    best = results["best_epoch"]
    chosen = f", the best is epoch {best}" if best else ""
    rows.append(
        f"<p>{results['epochs']} epochs in {60 * results['hours']:.0f} min{chosen}. "
        f"{results['parameters']:,} parameters, {html.escape(results['backend'])} on "
        f"{html.escape(results['hardware'])}.</p>"
    )
    return "\n".join(rows)


def _classes(result, model, detail):
    total = max(1, sum(result["class_pixels"].values()))
    rows = ["<tr><th>class<th>IoU<th class=bars><th>accuracy<th>share of pixels</tr>"]
    for k, (name, iou) in enumerate(result["class_iou"].items()):
        colour = "#999"
        if model.palette:
            colour = "#" + "".join(f"{int(part):02x}" for part in model.palette[k])
        accuracy = result["class_accuracy"][name]
        rows.append(
            f'<tr><td><span class="box" style="background:{colour}"></span>'
            f"{html.escape(str(name))}<td>{_percent(iou)}<td class=bars>"
            f'<div class="bar" style="width:{100 * (iou or 0):.1f}%"></div>'
            f"<td>{_percent(accuracy)}<td>{result['class_pixels'][name] / total:.2%}"
            "</tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def _percent(value):
    return "-" if value is None else f"{value:.1%}"


def _settings(results):
    rows = [
        f"<tr><td>{html.escape(name)}<td>{html.escape(str(value))}</tr>"
        for name, value in results["arguments"].items()
        if value is not None
    ]
    return f"<table>{''.join(rows)}</table>"


def _picture(folder, name, text):
    content = (folder / "report" / f"{name}.png").read_bytes()
    code = base64.b64encode(content).decode()
    return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{code}">'
