import keras


class StopEarly(keras.callbacks.Callback):
    """Stops a run whose validation has not improved for some epochs.

    Unlike `keras.callbacks.EarlyStopping` it counts in the history of the run, and so
    stops at the same epoch where the run is killed and resumed.

    Args:
        run: `keras_seg.training.RunFolder`.
        patience: Integer, the number of epochs without a better `val_mean_iou`. 0 never
            stops.

    Example:

    ```python
    import types

    from keras_seg.training.stop_early import StopEarly

    run = types.SimpleNamespace(best={"epoch": 2}, lines=[{"epoch": 7}])
    print(StopEarly(run, patience=5).is_reached())  # True
    ```
    """

    def __init__(self, run, patience):
        super().__init__()
        self.run = run
        self.patience = patience

    def is_reached(self):
        """Whether the run is at its end."""
        if not self.patience or self.run.best is None:
            return False
        return self.run.lines[-1]["epoch"] - self.run.best["epoch"] >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        if self.is_reached():
            self.model.stop_training = True
            print(
                f"Stopped: no better validation for {self.patience} epochs. The best "
                f"was epoch {self.run.best['epoch']}. --patience sets this number, 0 "
                "never stops.",
                flush=True,
            )
