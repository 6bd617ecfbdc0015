"""The command `keras-seg`. Imports Keras only when a command runs."""

import argparse
import sys
import warnings

from keras_seg_cli.benchmark_options import add_benchmark
from keras_seg_cli.calibrate import add_calibrate
from keras_seg_cli.convert import add_convert
from keras_seg_cli.distill import add_distill
from keras_seg_cli.evaluate import add_evaluate
from keras_seg_cli.explain import add_explain
from keras_seg_cli.export import add_export
from keras_seg_cli.info import add_info
from keras_seg_cli.predict_options import add_predict, wrong_combination
from keras_seg_cli.terminal import discard_output, open_missing_streams, printable
from keras_seg_cli.train import add_train

DESCRIPTION = "Semantic segmentation in Keras 3."


def main(arguments=None):
    """Runs the command line and returns the exit status.

    Args:
        arguments: List of strings; `None` takes those of the process.

    Returns:
        0 on success, 1 if some images failed, 2 if the command could not start.

    Example:

    ```python
    from keras_seg_cli.main import main

    try:
        main(["--version"])
    except SystemExit as stop:
        print(stop.code)  # 0
    ```
    """
    stdout_closed = open_missing_streams()
    try:
        status = _run(arguments, stdout_closed)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("keras-seg: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1  # the reader, such as `head`, has closed the output
    except OSError as error:
        print(f"keras-seg: {printable(error)}", file=sys.stderr)
        return 2
    finally:
        discard_output()


def _run(arguments, stdout_closed):
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command == "convert":
        from keras_seg_cli.convert import convert as command
    elif options.command == "export":
        from keras_seg_cli.export import export as command
    elif options.command == "info":
        from keras_seg_cli.info import info as command
    elif options.command == "list":
        from keras_seg_cli.info import list_presets as command
    elif options.command == "benchmark":
        from keras_seg_cli.benchmark import benchmark as command
    elif options.command == "explain":
        from keras_seg_cli.explain import explain as command
    elif options.command == "evaluate":
        from keras_seg_cli.evaluate import evaluate as command
    elif options.command == "train":
        from keras_seg_cli.train import train as command
    elif options.command == "distill":
        from keras_seg_cli.distill import distill as command
    elif options.command == "calibrate":
        from keras_seg_cli.calibrate import calibrate as command
    else:
        problem = wrong_combination(options, stdout_closed)
        if problem:
            parser.error(problem)
        from keras_seg_cli.predict import predict as command
    from keras_seg_cli.batch import tell

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: tell(message)
        return command(options)


class Parser(argparse.ArgumentParser):
    """Escapes control characters of arguments in error messages."""

    def error(self, message):
        super().error(printable(message))


class Version(argparse.Action):
    """Looks up the version only if it is requested."""

    def __call__(self, parser, *_):
        import importlib.metadata

        print("keras-seg", importlib.metadata.version("keras-seg"))
        parser.exit()


def build_parser():
    parser = Parser(prog="keras-seg", description=DESCRIPTION)
    parser.add_argument(
        "--version", action=Version, nargs=0, help="show the version and exit"
    )
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    add_predict(commands)
    add_explain(commands)
    for add in (add_convert, add_evaluate, add_train, add_distill, add_calibrate):
        add(commands)
    for add in (add_export, add_info, add_benchmark):
        add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
