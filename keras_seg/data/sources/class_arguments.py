"""The arguments about classes that sources have in common."""

import numpy as np

from keras_seg.data.palette import default_palette


def check_distinct(class_names):
    """Raises `ValueError` if two classes have the same name."""
    repeated = sorted({n for n in class_names if class_names.count(n) > 1})
    if repeated:
        raise ValueError(
            "`class_names` must differ from each other, as results are given by name. "
            f"Repeated: {', '.join(map(repr, repeated))}."
        )


def resolve_classes(num_classes, class_names, palette, ignore_class):
    """Fills in what is not given of the classes, and checks what is.

    Args:
        num_classes: Integer or `None`.
        class_names: List of strings or `None`.
        palette: Array `(num_classes, 3)` or `None`.
        ignore_class: Integer, the id of void.

    Returns:
        A tuple `(num_classes, class_names, palette)`: integer, list of strings, uint8
        array `(num_classes, 3)`.

    Raises:
        ValueError: If they contradict each other, or if there is only one class.

    Example:

    ```python
    from keras_seg.data.sources.class_arguments import resolve_classes

    print(resolve_classes(2, None, None, 255)[1])  # ['class 0', 'class 1']
    ```
    """
    if isinstance(class_names, str):
        raise ValueError(
            "`class_names` must be a list of strings. Received: "
            f"class_names={class_names!r}."
        )
    if class_names is None:
        class_names = [f"class {i}" for i in range(num_classes)]
    class_names = list(class_names)
    if num_classes is None:
        num_classes = len(class_names)
    check_distinct(class_names)
    if len(class_names) != num_classes:
        raise ValueError(
            f"`class_names` has {len(class_names)} names, expected "
            f"`num_classes={num_classes}`."
        )
    if num_classes < 2:
        raise ValueError(
            "`num_classes` must be at least 2, since the background counts as a class: "
            "one class cannot be told from anything. Received: "
            f"num_classes={num_classes}. For one kind of object pass num_classes=2 and "
            "masks with 0 for background and 1 for the object."
        )
    if 0 <= ignore_class < num_classes:
        raise ValueError(
            f"`ignore_class={ignore_class}` is the id of a class, since "
            f"`num_classes={num_classes}`. Choose an id outside the classes, such as "
            f"ignore_class={255 if num_classes <= 255 else 65535}, and pass the same "
            "to the model."
        )
    if palette is None:
        palette = default_palette(num_classes)
    palette = np.asarray(palette, "uint8").reshape(-1, 3)  # (K, 3)
    if len(palette) != num_classes:
        raise ValueError(
            f"`palette` has {len(palette)} colours, expected "
            f"`num_classes={num_classes}`."
        )
    return num_classes, class_names, palette
