"""Table, CSV and plot of `keras-seg benchmark`."""

import csv
import importlib.util
import math
import statistics

COLUMNS = {
    "model": "model",
    "backend": "backend",
    "phase": "phase",
    "size": "size",
    "parameters": "parameters",
    "load_ms": "load, ms",
    "first_ms": "first call, ms",
    "median_ms": "median, ms",
    "cpu_ms": "CPU, ms",
    "p95_ms": "95 %, ms",
    "ratio": "x",
    "peak_mb": "peak, MB",
    "differ": "differ",
}


def summarise(results, reference):
    """One row for each model, backend and phase.

    Args:
        results: Dictionary from `(model, backend, phase)` to a list of results of
            `keras_seg_cli.benchmark_worker`.
        reference: String. The model that the others are compared with.

    Returns:
        List of dictionaries with the keys of `COLUMNS`.
    """
    rows, first_labels = [], {}
    for (model, backend, phase), rounds in results.items():
        seconds = sorted(s for result in rounds for s in result["seconds"])
        cpu = [s for result in rounds for s in result["cpu_seconds"]]
        row = {
            "model": model,
            "backend": backend,
            "phase": phase,
            "size": "{} x {}".format(*rounds[0]["size"]),
            "parameters": rounds[0]["parameters"],
            "load_ms": 1000 * statistics.median(r["load"] for r in rounds),
            "first_ms": 1000 * statistics.median(r["first"] for r in rounds),
            "median_ms": 1000 * statistics.median(seconds),
            "cpu_ms": 1000 * statistics.median(cpu) if cpu else None,
            "p95_ms": 1000 * seconds[math.ceil(0.95 * len(seconds)) - 1],
            "ratio": None,
            "peak_mb": max(result["peak_mb"] for result in rounds),
            "differ": None,
        }
        labels = rounds[0].get("labels")
        if labels:
            import numpy as np

            labels = np.load(labels)
            first = first_labels.setdefault(model, labels)
            row["differ"] = float((labels != first).mean())
        rows.append(row)
    for row in rows:
        for other in rows:
            same = all(row[key] == other[key] for key in ("backend", "phase"))
            if same and other["model"] == reference:
                row["ratio"] = row["median_ms"] / other["median_ms"]
    return rows


def table(rows, reference):
    """The rows as a Markdown table.

    Example:

    ```python
    from keras_seg_cli.benchmark_report import COLUMNS, table

    row = {**dict.fromkeys(COLUMNS), "model": "ecenet/camvid", "median_ms": 94.2}
    print(table([row], "ecenet/camvid"))
    ```
    """
    titles = {**COLUMNS, "ratio": f"x {reference}"}
    lines = [f"| {' | '.join(titles.values())} |", "|---" * len(titles) + "|"]
    for row in rows:
        cells = (_cell(key, row[key]) for key in COLUMNS)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(key, value):
    if value is None:
        return ""
    if key == "parameters":
        return f"{value / 1e6:.2f} M"
    if key == "differ":
        return f"{value:.3%}"
    if key == "ratio":
        return f"{value:.2f}"
    return str(value) if isinstance(value, str) else f"{value:.0f}"


def all_conditions(results):
    """The conditions of all processes, without repetition.

    Args:
        results: See `summarise`.

    Returns:
        Dictionary from names to strings. A condition that differs lists its values.
    """
    found = {}
    for rounds in results.values():
        for result in rounds:
            for key, value in result["conditions"].items():
                found.setdefault(key, dict.fromkeys([value])).setdefault(value)
    return {key: ", ".join(map(str, values)) for key, values in found.items()}


def write_csv(path, header, rows):
    """Writes the rows, after lines `# key: value` with the conditions."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {key}: {value}\n" for key, value in header.items())
        writer = csv.DictWriter(file, list(COLUMNS))
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}
            )


def write_plot(path, rows):
    """Draws the median times as bars, if matplotlib is installed.

    Returns:
        Boolean. Whether the plot was drawn.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    phases = list(dict.fromkeys(row["phase"] for row in rows))
    models = list(dict.fromkeys(row["model"] for row in rows))
    backends = list(dict.fromkeys(row["backend"] for row in rows))
    figure = Figure(figsize=(2 + 2 * len(backends) * len(phases), 4), layout="tight")
    FigureCanvasAgg(figure)
    row_of_axes = figure.subplots(1, len(phases), squeeze=False)[0]
    for axes, phase in zip(row_of_axes, phases, strict=True):
        for i, model in enumerate(models):
            times = {
                row["backend"]: row["median_ms"]
                for row in rows
                if (row["model"], row["phase"]) == (model, phase)
            }
            places = [
                backends.index(name) + (i - (len(models) - 1) / 2) * 0.8 / len(models)
                for name in times
            ]
            axes.bar(places, times.values(), 0.8 / len(models), label=model)
        axes.set_xticks(range(len(backends)), backends)
        axes.set_ylabel("median, ms")
        axes.set_title(phase)
        axes.legend(fontsize="small")
    figure.savefig(path)
    return True
