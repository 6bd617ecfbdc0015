"""The share of each class in an image."""

VOID_NAME = "uncertain"


def share_names(class_names, num_classes):
    """The names under which shares are reported: one per class, then void.

    The class id is appended to a repeated name, so that all names differ.

    Args:
        class_names: List of strings or `None`.
        num_classes: Integer.

    Returns:
        List of `num_classes + 1` different strings.

    Example:

    ```python
    from keras_seg_cli.class_shares import share_names

    print(share_names(["door", "door"], 2))  # ['door', 'door (1)', 'uncertain']
    ```
    """
    names = class_names or [f"class {class_id}" for class_id in range(num_classes)]
    taken, different = set(), []
    for class_id, name in enumerate([*names, VOID_NAME]):
        candidate = name
        while candidate in taken or (candidate != name and candidate in names):
            candidate = f"{candidate} ({class_id})"
        taken.add(candidate)
        different.append(candidate)
    return different


def class_shares(labels, names, ignore_class=255):
    """The share of each class in a label map.

    Args:
        labels: Integer array `(H, W)`.
        names: List of strings, as `share_names` returns it.
        ignore_class: Integer or `None`. The id of void.

    Returns:
        Dictionary from the names of the classes that occur to their shares, which sum
        to 1; largest first, void last.

    Example:

    ```python
    import numpy as np
    from keras_seg_cli.class_shares import class_shares

    labels = np.array([[1, 1, 0, 255]])
    print(class_shares(labels, ["sky", "sea", "uncertain"]))
    # {'sea': 0.5, 'sky': 0.25, 'uncertain': 0.25}
    ```
    """
    import numpy as np

    ids, counts = np.unique(labels, return_counts=True)
    counts = dict(zip(ids.tolist(), counts.tolist(), strict=True))
    return shares_of_counts(counts, names, ignore_class)


def shares_of_counts(counts, names, ignore_class=255):
    """The shares of classes from their numbers of pixels.

    Args:
        counts: Dictionary from class ids to numbers of pixels.
        names, ignore_class: See `class_shares`.

    Returns:
        See `class_shares`.
    """
    total = sum(counts.values())
    shares = {
        names[class_id]: count / total
        for class_id, count in sorted(counts.items(), key=lambda item: -item[1])
        if class_id != ignore_class
    }
    if ignore_class in counts:
        shares[names[-1]] = counts[ignore_class] / total
    return shares
