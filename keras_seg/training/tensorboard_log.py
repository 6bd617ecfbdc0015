import keras

from keras_seg.training.run_error import RunError


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the history of a run for TensorBoard, without TensorFlow.

    `keras.callbacks.TensorBoard` needs TensorFlow on every backend.

    Args:
        run: `keras_seg.training.RunFolder`, which is called before. The logs are in its
            folder `tensorboard`.

    Raises:
        RunError: If tensorboard is not installed.

    Example:

    ```python
    import pathlib
    import tempfile
    import types

    from keras_seg.training import RunError
    from keras_seg.training.tensorboard_log import TensorBoardLog

    with tempfile.TemporaryDirectory() as folder:
        run = types.SimpleNamespace(path=pathlib.Path(folder))
        try:
            TensorBoardLog(run)
        except RunError as error:
            print(error)  # pip install 'keras-seg[tensorboard]'
    ```
    """

    def __init__(self, run):
        super().__init__()
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise RunError(
                "--tensorboard needs tensorboard: pip install 'keras-seg[tensorboard]'"
            ) from error
        self.run = run
        self.make_writer = lambda: Writer(str(run.path / "tensorboard"))
        self.writer = None

    def on_epoch_end(self, epoch, logs=None):
        if self.writer is None:
            self.writer = self.make_writer()
        for name, value in self.run.lines[-1].items():
            if isinstance(value, float):
                group = "val" if name.startswith("val_") else "train"
                tag = f"{group}/{name.removeprefix('val_')}"
                self.writer.add_scalar(tag, value, epoch + 1)
        self.writer.flush()

    def on_train_end(self, logs=None):
        if self.writer is not None:
            self.writer.close()
