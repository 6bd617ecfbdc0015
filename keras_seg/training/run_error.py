class RunError(ValueError):
    """A training run cannot begin or go on; the message says what to do.

    Example:

    ```python
    from keras_seg.training import RunError
    from keras_seg.training.settings import resolve_settings

    try:
        resolve_settings({"data": "camvid"})
    except RunError as error:
        print(error)  # --data camvid needs --data-dir
    ```
    """
