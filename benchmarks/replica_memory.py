"""Do two replicas end with the memory that one has with the joint batch?

    python benchmarks/replica_memory.py --backends tensorflow jax torch

Three training steps of a `QueryUpdate` on one CPU: with `MirroredStrategy` over two
logical devices on TensorFlow, `DataParallel` over two host devices on JAX, and
`DistributedDataParallel` in two processes on torch. Each backend runs in a process of
its own; without `--backends` the current one runs.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

STEPS = 3
BATCH = 4
RATE = 0.1


def arrays():
    import numpy as np

    rng = np.random.default_rng(0)
    shapes = [(BATCH, 6, 8, 8), (BATCH, 3, 4, 8), (BATCH, 6, 8, 8)]
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def make_model():
    import keras
    import numpy as np

    import keras_seg

    fine, coarse, _ = arrays()
    inputs = [keras.Input(fine.shape[1:]), keras.Input(coarse.shape[1:])]
    update = keras_seg.layers.QueryUpdate(5, 8, 2, memory_momentum=0.3, name="update")
    model = keras.Model(inputs, update(*inputs)["features"])
    rng = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


def memory_of(model):
    import keras

    return keras.ops.convert_to_numpy(model.get_layer("update").memory.memory)


def fit():
    import keras

    model, (fine, coarse, target) = make_model(), arrays()
    model.compile(keras.optimizers.SGD(RATE), loss="mse")
    model.fit(
        [fine, coarse],
        target,
        batch_size=BATCH,
        epochs=STEPS,
        shuffle=False,
        verbose=0,
    )
    return memory_of(model)


def on_tensorflow():
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    one = fit()
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        return one, fit()


def on_jax():
    import keras

    one = fit()
    devices = keras.distribution.list_devices("cpu")
    if len(devices) != 2:
        raise RuntimeError(f"Expected two devices. Received: {devices}.")
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=devices)
    )
    return one, fit()


def train_on_torch(replica=0, replicas=1, folder=None):
    """The loop of one process; the first writes the memory into the folder."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    model = module = make_model()
    if replicas > 1:
        torch.distributed.init_process_group(
            "gloo",
            init_method=f"file://{folder}/store",
            rank=replica,
            world_size=replicas,
            timeout=datetime.timedelta(minutes=2),
        )
        module = torch.nn.parallel.DistributedDataParallel(model)
    fine, coarse, target = (torch.from_numpy(x[replica::replicas]) for x in arrays())
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=RATE
    )
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(
            module([fine, coarse], training=True), target
        )
        loss.backward()
        optimizer.step()
    if replicas > 1:
        np.save(pathlib.Path(folder, f"{replica}.npy"), memory_of(model))
        torch.distributed.barrier()
        # Torch's own way out can hang: the thread of the process group waits for the
        # interpreter's lock while what holds the lock waits for that thread.
        os._exit(0)
    return memory_of(model)


def on_torch():
    import numpy as np
    import torch

    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(train_on_torch, (2, folder), nprocs=2)
        memories = [np.load(pathlib.Path(folder, f"{i}.npy")) for i in range(2)]
    if not np.array_equal(*memories):
        raise RuntimeError("The two processes have different memories.")
    return train_on_torch(), memories[0]


def measure():
    """Greatest differences on the current backend: of the two, and to the start."""
    import keras
    import numpy as np

    backend = keras.config.backend()
    run = {"tensorflow": on_tensorflow, "jax": on_jax, "torch": on_torch}[backend]
    one, two = run()
    return {
        "backend": backend,
        "difference": float(np.abs(one - two).max()),
        "change": float(np.abs(one - memory_of(make_model())).max()),
    }


def measure_on(backend):
    flags = (
        f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    )
    result = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": flags},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", metavar="NAME")
    backends = parser.parse_args().backends
    for result in map(measure_on, backends) if backends else [measure()]:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
