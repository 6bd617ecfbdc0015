"""What `check_dataset` found."""

from keras_seg.data.files.list_images import name_some, printable


class DatasetReport:
    """The findings about a data set; `print(report)` shows them.

    Attributes:
        num_pairs: Integer, number of pairs in the data set.
        num_checked: Integer, number of pairs that were looked at.
        num_classes: Integer, or `None` where it was not given.
        class_names: List of strings, or `None`.
        ignore_class: Integer, the id of void.
        pixel_counts: Dict from id to number of pixels, void included.
        image_counts: Dict from id to number of masks that hold it.
        first_masks: Dict from id to the first few masks that hold it.
        sizes: Dict from `(height, width)` to number of images.
        problems: List of dicts with `kind`, `severity` (`"error"` or
            `"warning"`), `found`, `fix` and `files` (list of names).
        ok: Boolean. There is no error; there may be warnings.

    Args:
        num_classes: Integer or `None`.
        class_names: List of strings or `None`.
        ignore_class: Integer.

    Example:

    ```python
    from keras_seg.data import DatasetReport

    report = DatasetReport(num_classes=2, class_names=["a", "b"], ignore_class=255)
    report.add("all void", "warning", "Nothing to learn from.", "Drop it.", "x.png")
    print(report.ok, report.problems[0]["files"])  # True ['x.png']
    ```
    """

    def __init__(self, num_classes=None, class_names=None, ignore_class=255) -> None:
        self.num_pairs = 0
        self.num_checked = 0
        self.num_classes = num_classes
        self.class_names = class_names
        self.ignore_class = ignore_class
        self.pixel_counts = {}
        self.image_counts = {}
        self.first_masks = {}
        self.sizes = {}
        self.problems = []

    @property
    def ok(self) -> bool:
        return not any(p["severity"] == "error" for p in self.problems)

    def add(self, kind, severity, found, fix, file=None):
        """Adds a problem; problems of one kind share one entry with all their files.

        Args:
            kind: String, short.
            severity: `"error"` or `"warning"`.
            found: String, what is there.
            fix: String, what to do about it.
            file: Path or list of paths. Defaults to none.
        """
        files = [] if file is None else file if isinstance(file, list) else [file]
        for problem in self.problems:
            if problem["kind"] == kind:
                problem["files"] += files
                return
        self.problems.append(
            {
                "kind": kind,
                "severity": severity,
                "found": found,
                "fix": fix,
                "files": list(files),
            }
        )

    def __str__(self):
        lines = [f"Checked {self.num_checked} of {self.num_pairs} pairs."]
        if self.sizes:
            lines.append(f"Image sizes (height x width): {self._sizes()}.")
        lines += self._histogram()
        errors = [p for p in self.problems if p["severity"] == "error"]
        warnings = [p for p in self.problems if p["severity"] != "error"]
        for problem in errors + warnings:
            lines.append("")
            lines.append(
                f"{problem['severity'].upper()} ({problem['kind']}): "
                + printable(problem["found"])
            )
            if problem["files"]:
                count = len(problem["files"])
                lines.append(f"  Files ({count}): {name_some(problem['files'])}")
            lines.append(f"  Fix: {printable(problem['fix'])}")
        lines.append("")
        if self.problems:
            lines.append(f"Errors: {len(errors)}, warnings: {len(warnings)}.")
        else:
            lines.append("No problems found.")
        return "\n".join(lines)

    def _sizes(self):
        ordered = sorted(self.sizes.items(), key=lambda item: -item[1])
        text = ", ".join(f"{h} x {w} ({n})" for (h, w), n in ordered[:5])
        if len(ordered) > 5:
            text += f" and {len(ordered) - 5} more sizes"
        return text

    def _histogram(self, limit=300):
        if not self.pixel_counts:
            return []
        total = sum(self.pixel_counts.values())
        ids = set(self.pixel_counts) | set(range(self.num_classes or 0))
        names = {i: self._name(i) for i in sorted(ids)[:limit]}
        width = max(len(name) for name in names.values())
        lines = ["", f"{'id':>6}  {'class':<{width}}  {'pixels':>14}   share  masks"]
        for i, name in names.items():
            pixels = self.pixel_counts.get(i, 0)
            lines.append(
                f"{i:>6}  {name:<{width}}  {pixels:>14,}  {pixels / total:>6.2%}"
                f"  {self.image_counts.get(i, 0):>5}"
            )
        if len(ids) > limit:
            lines.append(f"and {len(ids) - limit} more ids")
        return lines

    def _name(self, class_id):
        if class_id == self.ignore_class:
            return "void"
        if self.class_names is not None and 0 <= class_id < len(self.class_names):
            return printable(self.class_names[class_id])
        if self.num_classes is not None and not 0 <= class_id < self.num_classes:
            return "OUT OF RANGE"
        return ""
