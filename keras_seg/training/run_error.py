class RunError(ValueError):
    """A training run cannot begin or go on; the message says what to do.

    Example:

    ```python
    import tempfile

    from keras_seg.training import RunError, train_from_arguments

    with tempfile.TemporaryDirectory() as folder:
        words = f"--data folder --images {folder} --masks {folder} --num-classes 2"
        try:
            train_from_arguments([*words.split(), "--output", f"{folder}/run"])
        except (RunError, ValueError) as error:
            print(error)  # No image with a mask was found ...
    ```
    """
