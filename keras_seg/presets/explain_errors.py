import contextlib
import reprlib

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 120


def short(value):
    """The representation of a value of unknown origin, cut to a few words."""
    return _SHORT.repr(value)


@contextlib.contextmanager
def explain_errors(problem, fix):
    """Turns any error of a library into a `ValueError` of two sentences.

    Errors of opening a file and of missing libraries stay what they are.

    Args:
        problem: String. What failed, with the name of the file.
        fix: Sentence that tells what to do.

    Raises:
        ValueError: In place of every other error.

    Example:

    ```python
    from keras_seg.presets.explain_errors import explain_errors

    try:
        with explain_errors("'task.json' does not describe a model", "Save it again."):
            {}["num_classes"]
    except ValueError as error:
        print(error)
    ```
    """
    try:
        yield
    except Exception as error:
        opening = isinstance(error, OSError) and error.filename is not None
        if opening or isinstance(error, ImportError):
            raise
        text = " ".join(str(error).split()) or "no details"
        if len(text) > 600:
            text = f"{text[:600]} ..."
        raise ValueError(
            f"{problem} ({type(error).__name__}: {text.rstrip('.')}). {fix}"
        ) from error
