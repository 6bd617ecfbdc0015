"""Shares of classes as text: a table, CSV or JSON.

A writer flushes the shares of each image, so that they are kept if the command is
interrupted. After `close` the text is complete.
"""

import csv
import json

from keras_seg_cli.terminal import csv_cell, printable


class TableWriter:
    """A paragraph for each image: its size and the classes in it.

    Args:
        stream: Text file to write to; it stays open.
        names: List of strings, all names that can occur.

    Example:

    ```python
    import sys
    from keras_seg_cli.share_writers import TableWriter

    writer = TableWriter(sys.stdout, ["sky", "sea"])
    writer.write("a.jpg", 640, 480, {"sea": 0.75, "sky": 0.25})
    writer.close()
    ```
    """

    def __init__(self, stream, names):
        self.stream = stream
        self.width = max(map(len, names), default=0)
        self.empty = True

    def write(self, image, width, height, shares):
        from keras_seg_runtime.pictures.legend import format_share

        lines = [] if self.empty else [""]
        lines.append(f"{printable(image)}  {width} x {height}")
        for name, share in shares.items():
            lines.append(f"  {printable(name):<{self.width}}  {format_share(share):>7}")
        self.stream.write("\n".join(lines) + "\n")
        self.stream.flush()
        self.empty = False

    def close(self):
        self.stream.flush()


class CsvWriter:
    """One row for each image and one column for each name, after a row of names.

    An apostrophe is put before text that a spreadsheet could read as a formula.

    Args:
        stream: Text file to write to, opened with `newline=""`; it stays open.
        names: List of strings, all names that can occur.

    Example:

    ```python
    import sys
    from keras_seg_cli.share_writers import CsvWriter

    writer = CsvWriter(sys.stdout, ["sky", "sea"])
    writer.write("a.jpg", 640, 480, {"sea": 1.0})  # a.jpg,0,1.0
    writer.close()
    ```
    """

    def __init__(self, stream, names):
        self.stream, self.names = stream, names
        self.rows = csv.writer(stream, lineterminator="\n")
        self.rows.writerow(["image", *map(csv_cell, names)])
        self.stream.flush()

    def write(self, image, width, height, shares):
        values = [round(shares.get(name, 0), 8) for name in self.names]
        self.rows.writerow([csv_cell(image), *values])
        self.stream.flush()

    def close(self):
        self.stream.flush()


class JsonWriter:
    """A list of objects with the keys `image`, `width`, `height` and `shares`.

    Args:
        stream: Text file to write to; it stays open.
        names: Not used; `shares` contains the names that occur.

    Example:

    ```python
    import sys
    from keras_seg_cli.share_writers import JsonWriter

    writer = JsonWriter(sys.stdout, ["sky", "sea"])
    writer.write("a.jpg", 640, 480, {"sea": 1.0})
    writer.close()
    ```
    """

    def __init__(self, stream, names):
        self.stream = stream
        self.empty = True

    def write(self, image, width, height, shares):
        entry = {
            "image": image,
            "width": width,
            "height": height,
            "shares": {name: round(share, 8) for name, share in shares.items()},
        }
        start = "[\n" if self.empty else ",\n"
        self.stream.write(start + json.dumps(entry))
        self.stream.flush()
        self.empty = False

    def close(self):
        self.stream.write("[]\n" if self.empty else "\n]\n")
        self.stream.flush()


WRITERS = {"table": TableWriter, "csv": CsvWriter, "json": JsonWriter}
