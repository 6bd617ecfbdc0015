"""Options of `keras-seg train` from the table of settings, without Keras."""

import argparse
import functools
import importlib.util
import pathlib
import tomllib

from keras_seg_cli.terminal import printable

TYPES = {"integer": int, "number": float, "path": str, "string": str}
OPPOSITE = {
    "action": "store_false",
    "default": argparse.SUPPRESS,
    "help": argparse.SUPPRESS,
}
TITLES = {"start": "starting point", "size": "size of the images"}


def add_settings(parser, groups=None, without=()):
    """Adds an option for each setting of a run. Only those given are in the result.

    A switch has an opposite, such as `--test` for `--no-test`, to take back what the
    file of a run or a recipe says.

    Args:
        parser: `argparse.ArgumentParser`.
        groups: List of names of groups, by default all.
        without: Names of settings to leave out.
    """
    for group, settings in setting_groups().items():
        if groups is not None and group not in groups:
            continue
        add = parser.add_argument_group(TITLES.get(group, group)).add_argument
        for name, facts in settings.items():
            if name in without:
                continue
            flag = f"--{name.replace('_', '-')}"
            add(flag, dest=name, **_option(facts))
            if facts["type"] == "boolean":
                add(_opposite(flag), dest=name, **OPPOSITE)


def given_settings(options):
    """The settings in a namespace of parsed options, those that were given."""
    names = {name for group in setting_groups().values() for name in group}
    return {name: value for name, value in vars(options).items() if name in names}


def parse_settings(words):
    """Parses options of `keras-seg train`, for scripts that train.

    Args:
        words: List of strings. `--recipe NAME` and `--config FILE` are read as well.

    Returns:
        Dictionary of the settings that were given, for
        `keras_seg.training.train_from_settings`.

    Raises:
        SystemExit: If an option is wrong.

    Example:

    ```python
    from keras_seg_cli.train_options import parse_settings

    print(parse_settings(["--epochs", "3"]))  # {'epochs': 3}
    ```
    """
    parser = argparse.ArgumentParser()
    add_files(parser)
    add_settings(parser)
    options = parser.parse_args([str(word) for word in words])
    return all_given(options)


def add_files(parser):
    """Adds the options that name files of settings."""
    add = parser.add_argument
    add("--config", metavar="FILE", help="TOML file of settings, such as that of a run")
    add("--recipe", metavar="NAME", help="settings of a published result, see below")


def all_given(options):
    """Settings of a recipe, of a file and of options; the later ones win."""
    from keras_seg.training.config_file import read_config, read_recipe

    given = read_recipe(options.recipe) if options.recipe else {}
    if options.config:
        given.update(read_config(options.config))
    return {**given, **given_settings(options)}


def recipe_names():
    """The names of the recipes, without Keras."""
    return sorted(path.stem for path in (_folder() / "recipes").glob("*.toml"))


@functools.cache
def setting_groups():
    """The table of settings, see `keras_seg.training.settings`, without Keras."""
    return tomllib.loads((_folder() / "settings.toml").read_text(encoding="utf-8"))


def _folder():
    # Finds the package without importing it, which would import Keras.
    package = importlib.util.find_spec("keras_seg").submodule_search_locations[0]
    return pathlib.Path(package) / "training"


def _opposite(flag):
    if flag.startswith("--no-"):
        return flag.replace("--no-", "--", 1)
    return flag.replace("--", "--no-", 1)


def _option(facts):
    help = facts["help"].replace("%", "%%")
    if "when_unset" in facts:
        help += f" (default: {facts['when_unset']})"
    elif "default" in facts and facts["default"] not in (False, []):
        default = facts["default"]
        words = default if isinstance(default, list) else [default]
        help += f" (default: {' '.join(map(str, words))})"
    option = {"help": help, "default": argparse.SUPPRESS}
    if facts["type"] == "boolean":
        return {**option, "action": "store_true"}
    option["type"] = TYPES[facts["type"]]
    if "choices" in facts:
        option["choices"] = facts["choices"]
    if "metavar" in facts:
        metavar = facts["metavar"]
        option["metavar"] = tuple(metavar) if isinstance(metavar, list) else metavar
    if "count" in facts:
        option["nargs"] = facts["count"]
    return option


def in_columns(names):
    """Names as lines of an epilog."""
    return "\n".join(f"  {printable(name)}" for name in names)
