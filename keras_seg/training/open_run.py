"""The folder of a run, if what it holds may be continued with the settings given."""

import pathlib

import keras

from keras_seg.training.choose_settings import choose_settings
from keras_seg.training.config_file import CONFIG, write_config
from keras_seg.training.resume_settings import resume_settings
from keras_seg.training.run_error import RunError
from keras_seg.training.run_folder import RunFolder
from keras_seg.training.settings import FREE, FREE_PATHS, flag
from keras_seg.training.split_source import SPLIT


def settings_of_run(folder, given, resume):
    """The settings of a new run, or those that the run in a folder was started with.

    Args:
        folder: `pathlib.Path` of the run.
        given: Dictionary of settings.
        resume: Boolean. Whether a run in the folder is continued.

    Returns:
        Dictionary of settings.

    Raises:
        RunError: If the folder holds a run and `resume` is not set, or the settings
            differ from those of the run.
    """
    if (folder / "history.jsonl").exists():
        if not resume:
            raise RunError(
                f"{folder} holds a run already. Continue it with --resume, or name "
                "another --output."
            )
        return resume_settings(folder, given)
    # What a run that has trained nothing has left.
    for name in ("regions_before.json", SPLIT):
        (folder / name).unlink(missing_ok=True)
    others = {name for name, value in given.items() if value is not None}
    others -= {*FREE, *FREE_PATHS}
    if resume and not others and (folder / CONFIG).exists():
        return resume_settings(folder, given)
    return given


def open_run(args, source):
    """Opens the folder of a run, and sets the seed and the precision.

    Args:
        args: Namespace of all settings. Those that depend on the data are chosen and
            printed.
        source: Source of the images to train on.

    Returns:
        `keras_seg.training.RunFolder`.

    Raises:
        RunError: If the backend cannot compute in the precision.
    """
    if args.precision == "mixed_float16" and keras.config.backend() == "jax":
        if all("cpu" in device for device in keras.distribution.list_devices()):
            raise RunError(
                "On a CPU, JAX lacks products in float16 that some of the models need. "
                "Take --precision mixed_bfloat16, or another backend."
            )
    keras.utils.set_random_seed(args.seed)
    if args.data != "python":  # the model of a user is built already
        keras.config.set_dtype_policy(args.precision)
    reasons = choose_settings(args, source)
    output = pathlib.Path(args.output)
    run = RunFolder(output, args.steps_per_epoch, note={"split": args.split})
    if not run.is_used:
        write_config(args, reasons)
        _print_choices(args, reasons)
    return run


def _print_choices(args, reasons):
    if args.preset:
        print(f"Training starts from the weights of {args.preset}.")
    if not reasons:
        return
    print("Settings that were not given are chosen:")
    for name, reason in reasons.items():
        value = getattr(args, name)
        text = " ".join(map(str, value)) if isinstance(value, list) else value
        print(f"  {f'{flag(name)} {text}':<26} {reason}")
    print(f"All settings are in {pathlib.Path(args.output) / CONFIG}", flush=True)
