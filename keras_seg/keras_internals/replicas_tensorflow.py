"""Data-parallel training on TensorFlow, with the strategies of `tf.distribute`."""

import contextlib
import functools
import os

import keras

from keras_seg.keras_internals.replicas import Replicas
from keras_seg.keras_internals.synchronized_batch_norm import synchronized_batch_norm


class TensorFlowReplicas(Replicas):
    """`MirroredStrategy`, or `MultiWorkerMirroredStrategy` if `TF_CONFIG` is set.

    Args:
        count: Integer number of devices of this machine, or `None` for all.

    Raises:
        ValueError: If there are fewer devices.
    """

    def __init__(self, count=None):
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if "TF_CONFIG" in os.environ:
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
            resolver = self._strategy.cluster_resolver
            self.processes = len(resolver.cluster_spec().as_dict()["worker"])
            self.process = resolver.task_id
        else:
            if not gpus and count is not None:
                _make_cpu_devices(count)
            kind = "GPU" if gpus else "CPU"
            found = len(tf.config.list_logical_devices(kind))
            count = found if count is None else count
            if count > found:
                raise ValueError(
                    f"{count} devices were asked for, TensorFlow has {found} of kind "
                    f"{kind}. Ask for devices before TensorFlow makes its first "
                    "tensor, or for fewer."
                )
            self._strategy = tf.distribute.MirroredStrategy(
                [f"{kind}:{i}" for i in range(count)]
            )
        self.count = self._strategy.num_replicas_in_sync
        if self.processes > 1 and count not in (None, self.count):
            raise ValueError(
                f"The processes of TF_CONFIG have {self.count} devices. Received: "
                f"devices={count}. Leave it out."
            )

    def scope(self):
        return self._strategy.scope()

    @contextlib.contextmanager
    def training(self, model):
        if model.optimizer.gradient_accumulation_steps:
            raise ValueError(
                "TensorFlow cannot accumulate gradients over batches on several "
                "devices. Leave --accumulate out, or use the JAX or the torch backend."
            )
        with (
            synchronized_batch_norm(model),
            _clip_joint_gradients(model.optimizer),
            _split_batches(self._strategy, self.count // self.processes),
            _local_logs(),
        ):
            model.replicas, model.train_function = self, None
            model._maybe_symbolic_build = functools.partial(self._build, model)
            try:
                yield
            finally:
                model.train_function = None
                del model.replicas, model._maybe_symbolic_build

    def _build(self, model, iterator):
        """Builds what depends on a batch; Keras's own way fails in many processes."""
        local = self._strategy.experimental_local_results
        for _, _, batches in iterator:
            batch = keras.tree.map_structure(lambda x: local(x)[0], next(batches))
            break
        with self.scope():
            model._symbolic_build(data_batch=batch)

    def broadcast(self, arrays):
        import tensorflow as tf

        def sum_of_first(*values):
            context = tf.distribute.get_replica_context()
            first = context.replica_id_in_sync_group == 0
            values = [tf.where(first, x, tf.zeros_like(x)) for x in values]
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, x) for x in values]

        wide = [_wide(array) for array in arrays]
        sums = self._strategy.run(tf.function(sum_of_first), args=wide)
        local = self._strategy.experimental_local_results
        return [
            local(total)[0].numpy().astype(array.dtype).reshape(array.shape)
            for total, array in zip(sums, arrays, strict=True)
        ]

    def make_train_function(self, model):
        """Returns the logs of all replicas, not the mean of those of each."""
        step = model.train_function

        def function(iterator):
            step(iterator)
            return model.training_logs()

        if not getattr(step, "has_joint_logs", False):
            function.has_joint_logs = True
            model.train_function = function


def _make_cpu_devices(count):
    """Lets a CPU have so many virtual devices, if TensorFlow has not started yet."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    if tf.config.get_logical_device_configuration(cpu) is None:
        with contextlib.suppress(RuntimeError):
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * count
            )


@contextlib.contextmanager
def _clip_joint_gradients(optimizer):
    """Sums gradients over the replicas before they are clipped, not afterwards.

    Keras clips the gradient of each replica, so that the norm of the joint gradient,
    `global_clipnorm`, has no effect on it.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    clip, reduce = optimizer._clip_gradients, optimizer._all_reduce_sum_gradients

    def clip_joint(gradients):
        return clip([g for g, _ in reduce([(g, None) for g in gradients])])

    optimizer._clip_gradients = clip_joint
    optimizer._all_reduce_sum_gradients = lambda pairs: pairs
    try:
        yield
    finally:
        del optimizer._clip_gradients, optimizer._all_reduce_sum_gradients


@contextlib.contextmanager
def _split_batches(strategy, parts):
    """Splits each batch of this process over its replicas, and no more.

    TensorFlow would share out whole batches among the processes, each of which must
    have read all of them.
    """
    import tensorflow as tf

    def split(*batch):
        def split_one(x):
            shape = tf.shape(x)
            shape = tf.concat([[parts, shape[0] // parts], shape[1:]], axis=0)
            return tf.ensure_shape(tf.reshape(x, shape), (parts, None, *x.shape[1:]))

        batch = tf.nest.map_structure(split_one, batch)
        return tf.data.Dataset.from_tensor_slices(batch)

    def distribute(dataset, options=None):
        return strategy.distribute_datasets_from_function(
            lambda context: dataset.flat_map(split)
        )

    strategy.experimental_distribute_dataset = distribute
    try:
        yield
    finally:
        del strategy.experimental_distribute_dataset


@contextlib.contextmanager
def _local_logs():
    """Keras's reduction of logs over several processes fails on scalars."""
    from keras.src.backend.tensorflow import trainer

    reduce = trainer.reduce_per_replica

    def reduce_logs(values, strategy, reduction):
        if reduction == "auto":
            local = strategy.experimental_local_results
            return keras.tree.map_structure(lambda x: local(x)[0], values)
        return reduce(values, strategy, reduction)

    trainer.reduce_per_replica = reduce_logs
    try:
        yield
    finally:
        trainer.reduce_per_replica = reduce


def _wide(array):
    """The array with a dtype that can be summed over processes."""
    if array.dtype.kind in "ub":
        return array.astype("int64")
    return array if array.dtype.itemsize >= 4 else array.astype("float32")
