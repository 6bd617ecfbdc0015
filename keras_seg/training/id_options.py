def id_options(num_classes, void_ids=(), first_id=0) -> dict:
    """What the ids of masks mean, as arguments of a source.

    Args:
        num_classes: Integer, or `None` if `first_id` is 0.
        void_ids: List of ids in the masks that mean void.
        first_id: Integer. The id of the first class; all below it are void.

    Returns:
        Dictionary of arguments of `keras_seg.data.SegmentationFolder`.

    Example:

    ```python
    from keras_seg.training.id_options import id_options

    print(id_options(2, first_id=1))  # {'void_ids': (0,), 'id_map': {1: 0, 2: 1}}
    ```
    """
    if not first_id:
        return {"void_ids": tuple(void_ids)} if void_ids else {}
    return {
        "void_ids": (*void_ids, *range(first_id)),
        "id_map": {first_id + k: k for k in range(num_classes)},
    }
