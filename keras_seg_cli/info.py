"""`keras-seg info` and `keras-seg list`: what is known about presets and files."""

import os

from keras_seg_cli.batch import load_file, tell
from keras_seg_cli.choose_backend import FASTEST_ON_CPU, choose_backend, import_keras
from keras_seg_cli.terminal import printable

INFO = """\
Shows what is known about a preset, an exported file or a .keras file: method, classes,
size, licence, accuracy, and where it was found. Without a name it shows which backends
and runtimes are installed."""

LIST = """\
Lists the presets that can be loaded by name without a download: those that ship with
the package, and those in the folders of KERAS_SEG_PRESETS and in the user's cache."""

RUNTIMES = ("onnxruntime", "ai-edge-litert", "openvino", "tensorflow")
EXPORTED = (".onnx", ".tflite", ".xml")


def add_info(commands):
    """Adds both commands to a parser's subcommands.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.
    """
    info = commands.add_parser(
        "info", help="show facts about a preset or an exported file", description=INFO
    )
    info.add_argument(
        "name",
        nargs="?",
        metavar="PRESET | FILE",
        help="name or folder of a preset, an exported file, or a .keras file",
    )
    commands.add_parser("list", help="list the presets", description=LIST)


def info(options):
    """Prints the facts about `options.name`, and returns the exit status."""
    if options.name is None:
        lines = _installation()
    else:
        try:
            read = _keras_file if options.name.endswith(".keras") else _preset
            lines = _exported(options.name) or read(options.name)
        except (OSError, ValueError, ImportError) as error:
            tell(f"{options.name}: {error}")
            return 2
    width = max(len(key) for key, _ in lines)
    for key, value in lines:
        print(printable(f"{key:<{width}}  {value}"))
    return 0


def list_presets(options):
    """Prints one line for each preset, and returns the exit status."""
    try:
        facts = _all_facts()
    except (OSError, ValueError, ImportError) as error:
        tell(error)
        return 2
    rows = [("NAME", "CLASSES", "PARAMETERS", "LICENCE", "DESCRIPTION OR FOLDER")]
    for preset in facts:
        rows.append(
            (
                preset["name"],
                str(preset["num_classes"]),
                _millions(preset["parameters"]),
                (preset["licence"] or "not stated").split(",")[0].split(":")[0],
                preset["description"] or preset["folder"],
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{c:<{w}}" for c, w in zip(row, widths, strict=True))
        print(printable("  ".join(cells).rstrip()))
    return 0


def _all_facts():
    choose_backend()
    import_keras()
    from keras_seg.presets.preset_facts import installed_presets, preset_facts

    facts = []
    for name in installed_presets():
        try:
            facts.append(preset_facts(name))
        except (OSError, ValueError) as error:
            tell(f"{name}: {error}")
    return facts


def _installation():
    import platform

    lines = [
        ("keras-seg", _version("keras-seg")),
        ("Python", platform.python_version()),
        ("keras", _version("keras")),
    ]
    lines += [(f"backend {name}", _version(name)) for name in FASTEST_ON_CPU]
    return lines + [(f"runtime {name}", _version(name)) for name in RUNTIMES]


def _version(name):
    import importlib.metadata
    import importlib.util

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = importlib.util.find_spec(name.replace("-", "_")) is not None
        return "installed" if found else "not installed"


def _exported(name):
    """The facts of `NAME.json`, which need no Keras, or `None` for a preset."""
    from keras_seg_runtime.exported.description import (
        description_path,
        read_description,
    )

    saved_model = os.path.isfile(os.path.join(name, "saved_model.pb"))
    if not name.endswith(EXPORTED) and not saved_model:
        return None
    path = description_path(os.path.normpath(name))
    description = read_description(path)
    entry = description["files"].get(os.path.basename(os.path.normpath(name)))
    if entry is None:
        raise ValueError(f"{path} does not list it, but {list(description['files'])}")
    check = entry.get("check", {})
    size = entry["size"]
    return [
        ("method", description.get("model", {}).get("class")),
        *_classes(description["num_classes"], description["class_names"]),
        ("licence", description.get("licence") or "not stated"),
        ("long side", description["long_side"] or "the image's own"),
        ("format", entry.get("format")),
        ("output", entry["output"]),
        ("image size", " x ".join(map(str, size)) if size else "any"),
        ("weights", entry.get("weights")),
        ("labels that differ", f"{check.get('different_labels', 0):.2%}"),
        ("found at", os.path.abspath(name)),
    ]


def _preset(name):
    choose_backend()
    import_keras()
    from keras_seg.presets.preset_facts import preset_facts

    facts = preset_facts(name)
    return [
        ("name", facts["name"]),
        ("method", facts["class"]),
        ("description", facts["description"] or "none"),
        *_classes(facts["num_classes"], facts["class_names"]),
        ("parameters", _millions(facts["parameters"])),
        ("size", f"{facts['bytes'] / 1e6:.1f} MB"),
        ("licence", facts["licence"] or "not stated"),
        ("long side", facts["long_side"] or "the image's own"),
        ("found at", facts["folder"]),
    ]


def _keras_file(name):
    if not os.path.isfile(name):
        raise FileNotFoundError("no such file")
    choose_backend()
    import_keras()
    model = load_file(name)
    return [
        ("method", type(model).__name__),
        *_classes(model.num_classes, model.class_names),
        ("parameters", _millions(model.count_params())),
        ("size", f"{os.path.getsize(name) / 1e6:.1f} MB"),
        ("licence", "not stated"),
        ("long side", model.long_side or "the image's own"),
        ("found at", os.path.abspath(name)),
    ]


def _classes(count, names):
    return [("classes", count), ("class names", ", ".join(map(str, names or [])))]


def _millions(count):
    return f"{count / 1e6:.1f} M" if isinstance(count, int) else "not stated"
