"""From the ids of a mask file to those of the classes."""

import numpy as np

# Makes two classes of masks that are black and white.
THRESHOLD = "id_map={i: int(i > 127) for i in range(256)}"


def map_ids(mask, id_map, void_ids, ignore_class):
    """Translates ids, all at once, so that swapped ids are not mapped twice.

    Args:
        mask: Integer or boolean array.
        id_map: Dict from ids of the mask to class ids. Others stay as they are.
        void_ids: Ids of the mask that become `ignore_class`.
        ignore_class: Integer, the id of void.

    Returns:
        An int32 array of the shape of `mask`.

    Example:

    ```python
    import numpy as np
    from keras_seg.data.files.label_ids import map_ids

    print(map_ids(np.array([0, 1, 2]), {1: 0, 2: 1}, (0,), 255))  # [255 0 1]
    ```
    """
    changes = {**id_map, **dict.fromkeys(void_ids, ignore_class)}
    if mask.dtype == np.uint8:  # one look-up, however many ids there are
        table = np.arange(256, dtype="int32")
        for old, new in changes.items():
            if 0 <= old <= 255:
                table[old] = new
        return table[mask]
    label = mask.astype("int32")
    for old, new in changes.items():
        label[mask == old] = new
    return label


def require_class_ids(label, num_classes, ignore_class, what):
    """Raises unless every id is a class or void.

    Args:
        label: Integer array.
        num_classes: Integer.
        ignore_class: Integer, the id of void.
        what: String for the message, such as `"mask 'a.png'"`.

    Raises:
        ValueError: If there is another id.

    Example:

    ```python
    import numpy as np
    from keras_seg.data.files.label_ids import require_class_ids

    try:
        require_class_ids(np.array([0, 7]), 2, 255, "mask 'a.png'")
    except ValueError as error:
        print(error)  # The mask 'a.png' holds the ids [7], expected 0 to 1 or ...
    ```
    """
    wrong = (label < 0) | (label >= num_classes)
    wrong &= label != ignore_class
    if wrong.any():
        fix = (
            "Name them in `void_ids`, translate them with `id_map`, or correct "
            "`num_classes`; `keras_seg.data.check_dataset` tells which."
        )
        if num_classes == 2 and (label == 255).any() and not (label == 1).any():
            fix = (
                "If the mask is black and white (0 and 255), with grey at the edges or "
                f"without: {THRESHOLD}. Naming the greys void would leave 255 void."
            )
        raise ValueError(
            f"The {what} holds the ids {np.unique(label[wrong])[:20].tolist()}, "
            f"expected 0 to {num_classes - 1} or {ignore_class} for void. {fix}"
        )


def narrowest_dtype(num_classes, ignore_class):
    """Returns the narrowest type for label maps, `"uint8"` or `"int32"`."""
    return "uint8" if 0 <= ignore_class <= 255 and num_classes <= 256 else "int32"
