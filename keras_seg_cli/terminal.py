"""Text for terminals and spreadsheets, and streams that may be closed or full."""

import os
import sys
import unicodedata

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def printable(text):
    """Text with control characters, such as ESC or a newline, as escape sequences.

    Args:
        text: String, or an object that becomes one, such as the path of a file.

    Returns:
        String without control characters.

    Example:

    ```python
    from keras_seg_cli.terminal import printable

    print(printable("a\\x1b[2J.png"))  # a\\x1b[2J.png, a backslash and letters
    ```
    """
    return "".join(
        c
        if c.isprintable() or unicodedata.category(c) == "Zs"
        else c.encode("unicode_escape", "backslashreplace").decode()
        for c in str(text)
    )


def csv_cell(text):
    """Text for a cell of a CSV file that no spreadsheet reads as a formula.

    Control characters become escape sequences, and an apostrophe is put before text
    that could be a formula.

    Args:
        text: String.

    Example:

    ```python
    from keras_seg_cli.terminal import csv_cell

    print(csv_cell("=1+1.png"))  # '=1+1.png
    ```
    """
    text = printable(text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def open_missing_streams():
    """Opens the null device for standard streams that are closed.

    Otherwise the next file that is opened would replace stdout or stderr.

    Returns:
        Boolean: whether stdout was closed.

    Example:

    ```python
    from keras_seg_cli.terminal import open_missing_streams

    print(open_missing_streams())  # False
    ```
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    closed = sys.stdout is None
    if closed:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (open until the end)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    return closed


def discard_output():
    """Discards buffered output if its reader has closed it.

    Python would report an error at exit otherwise.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(null, stream.fileno())
    os.close(null)
