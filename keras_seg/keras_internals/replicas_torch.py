"""Data-parallel training on torch: `DistributedDataParallel`, started by torchrun."""

import contextlib
import datetime
import os

import keras
import numpy as np

from keras_seg.keras_internals.replicas import Replicas
from keras_seg.keras_internals.synchronized_batch_norm import synchronized_batch_norm

TIMEOUT = datetime.timedelta(minutes=30)


class TorchReplicas(Replicas):
    """The processes that torchrun started, with one replica each.

    Reads the environment of torchrun: `RANK`, `WORLD_SIZE`, `LOCAL_RANK`,
    `MASTER_ADDR` and `MASTER_PORT`. Each process has a GPU of its own with NCCL, or
    the CPU with gloo.
    """

    def __init__(self):
        import torch

        rank = int(os.environ.get("LOCAL_RANK", 0))
        backend = "gloo"
        if torch.cuda.is_available():
            if rank >= torch.cuda.device_count():
                raise ValueError(
                    f"Process {rank} of this machine has no GPU: there are "
                    f"{torch.cuda.device_count()}. Start torchrun with "
                    f"--nproc-per-node {torch.cuda.device_count()}."
                )
            torch.cuda.set_device(rank)
            backend = "nccl"
        torch.distributed.init_process_group(backend, timeout=TIMEOUT)
        self.count = self.processes = torch.distributed.get_world_size()
        self.process = torch.distributed.get_rank()
        self._parallel = None
        self._metrics_are_joint = False

    @contextlib.contextmanager
    def training(self, model):
        with synchronized_batch_norm(model), self._own_dropout(model):
            model.replicas, self._parallel = self, self._wrap(model)
            try:
                yield
            finally:
                self._parallel = None
                del model.replicas

    def broadcast(self, arrays):
        import torch

        values = []
        for array in arrays:
            value = torch.from_numpy(_signed(array).copy())
            value = value.to(keras.ops.convert_to_tensor(0.0).device)
            torch.distributed.broadcast(value, 0)
            values.append(value.cpu().numpy().view(array.dtype).reshape(array.shape))
        return values

    def close(self):
        import torch

        torch.distributed.barrier()
        torch.distributed.destroy_process_group()

    def train_step(self, step, data):
        import torch

        model = self._model
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        model.zero_grad()
        loss, outputs = self._parallel(x, y, sample_weight)
        model._loss_tracker.update_state(loss, sample_weight=x.shape[0])
        loss = model.optimizer.scale_loss(loss)
        loss.backward()
        variables = model.trainable_weights[:]
        with torch.no_grad():
            model.optimizer.apply([v.value.grad for v in variables], variables)
            return model.compute_metrics(x, y, outputs, sample_weight=sample_weight)

    @contextlib.contextmanager
    def joint_metrics(self, model):
        import torch

        if self._metrics_are_joint:
            yield
            return
        tensors = [v.value.detach() for v in model.metrics_variables]
        own = torch.cat([tensor.double().flatten() for tensor in tensors])
        joint = own.clone()
        torch.distributed.all_reduce(joint)
        self._metrics_are_joint = True
        try:
            _fill(tensors, joint)
            yield
        finally:
            _fill(tensors, own)
            self._metrics_are_joint = False

    def _wrap(self, model):
        import torch

        class Step(torch.nn.Module):
            """A call and its loss, so that all that has a gradient is inside."""

            def __init__(self):
                super().__init__()
                weights = [v.value for v in model.trainable_variables]
                self.weights = torch.nn.ParameterList(weights)

            def forward(self, x, y, sample_weight):
                outputs = model(x, training=True)
                loss = model.compute_loss(x, y, outputs, sample_weight, training=True)
                detach = torch.Tensor.detach
                return loss, keras.tree.map_structure(detach, outputs)

        self._model = model
        # A static graph may leave out weights, such as those that no loss depends on.
        return torch.nn.parallel.DistributedDataParallel(Step(), static_graph=True)

    @contextlib.contextmanager
    def _own_dropout(self, model):
        """Random numbers that differ between the processes."""
        states = [v for v in model.variables if v.path.endswith("seed_generator_state")]
        for state in states:
            value = keras.ops.convert_to_numpy(state)
            state.assign((value + np.array([self.process, 0])).astype(value.dtype))
        yield
        for state in states:
            value = keras.ops.convert_to_numpy(state)
            state.assign((value - np.array([self.process, 0])).astype(value.dtype))


def _fill(tensors, values):
    """Copies a flat tensor into tensors, one after the other."""
    sizes = [tensor.numel() for tensor in tensors]
    for tensor, value in zip(tensors, values.split(sizes), strict=True):
        tensor.copy_(value.reshape(tensor.shape))


def _signed(array):
    """A view whose dtype all collectives of torch take."""
    kinds = {"uint32": "int32", "uint64": "int64", "bool": "uint8"}
    return np.atleast_1d(array).view(kinds.get(array.dtype.name, array.dtype))
