"""The settings of a run as a commented TOML file."""

import json
import pathlib
import textwrap
import tomllib

from keras_seg.training.replace_file import replace_file
from keras_seg.training.run_error import RunError
from keras_seg.training.settings import setting_groups

CONFIG = "config.toml"
RECIPES = pathlib.Path(__file__).with_name("recipes")
HEAD = """\
# The settings of a training run.
#   continue this run:     keras-seg train --output {output} --resume
#   train with the same:   keras-seg train --config {output}/config.toml --output OTHER
"""


def list_recipes() -> list:
    """The names of the recipes: settings of published results.

    Returns:
        List of strings for `keras-seg train --recipe NAME`.

    Example:

    ```python
    from keras_seg.training import list_recipes

    print(list_recipes()[0])  # cpt_ade20k_resnet_101
    ```
    """
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_recipe(name) -> dict:
    """The settings of a recipe.

    Args:
        name: String, one of `list_recipes()`.

    Returns:
        Dictionary from names to values.

    Raises:
        RunError: If there is no such recipe.

    Example:

    ```python
    from keras_seg.training import read_recipe

    print(read_recipe("cpt_ade20k_resnet_101")["model"])  # cpt
    ```
    """
    if name not in list_recipes():
        raise RunError(
            f"There is no recipe {name!r}. Expected one of {', '.join(list_recipes())}."
        )
    return read_config(RECIPES / f"{name}.toml")


def read_config(path):
    """Reads settings from a file, in tables of groups or without.

    Args:
        path: Path of a TOML file.

    Returns:
        Dictionary from names to values.

    Raises:
        RunError: If the file is not TOML.
        OSError: If it cannot be read.

    Example:

    ```python
    import pathlib
    import tempfile

    from keras_seg.training.config_file import read_config

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "mine.toml")
        path.write_text("[training]\\nepochs = 5\\n")
        print(read_config(path))  # {'epochs': 5}
    ```
    """
    try:
        content = tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(
            f"{path} is damaged or not a TOML file: {error}. Mend the line, or delete "
            "the file to give all settings anew."
        ) from error
    given = {}
    for name, value in content.items():
        is_group = name in setting_groups() and isinstance(value, dict)
        given.update(value if is_group else {name: value})
    return given


def write_config(args, reasons=None):
    """Writes the settings of a run to `config.toml` in its folder.

    Args:
        args: Namespace of all settings.
        reasons: Dictionary from names to strings, why a value was chosen.
    """
    reasons, folder = reasons or {}, pathlib.Path(args.output)
    lines = [HEAD.format(output=args.output)]
    for group, table in setting_groups().items():
        lines.append(f"[{group}]")
        for name, facts in table.items():
            text = facts["help"]
            if name in reasons:
                text += f" (chosen: {reasons[name]})"
            lines += textwrap.wrap(
                text, 86, initial_indent="# ", subsequent_indent="# "
            )
            value = getattr(args, name)
            if value is None:
                lines.append(f"# {name} is not set")
            else:
                lines.append(f"{name} = {_as_toml(value, facts)}")
            lines.append("")
    with replace_file(folder / CONFIG) as file:
        file.write_text("\n".join(lines), encoding="utf-8")


def _as_toml(value, facts):
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_as_toml(item, facts) for item in value)}]"
    if facts["type"] == "path" and value:
        value = str(pathlib.Path(value).absolute())
    if isinstance(value, pathlib.Path):
        value = str(value)
    # Strings, numbers and booleans are written alike in JSON and TOML, DEL aside.
    return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007F")
