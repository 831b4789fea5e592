# SPDX-License-Identifier: Apache-2.0
"""What happens around the epochs of a run: order, progress, logs. No backend's own callbacks."""

import csv
from pathlib import Path
from typing import Any

import keras
from tensorboardX import SummaryWriter
from tqdm import tqdm

from fer_training import plots


class FollowEpoch(keras.callbacks.Callback):
    """Tells the batches and the dropout layers which epoch it is, in a resumed run too."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                # Keras does not save what its random generators have drawn so far.
                state = layer.seed_generator.state
                state.assign([keras.ops.convert_to_numpy(state)[0], epoch * len(self.batches)])


class Progress(keras.callbacks.Callback):
    """One bar for the whole run, with the time left, and a line for each epoch."""

    def __init__(self, name: str, epochs: int, steps: int):
        super().__init__()
        self.name, self.epochs, self.steps = name, epochs, steps
        self.bar: Any = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.bar is None:
            self.bar = tqdm(
                desc=self.name,
                total=self.epochs * self.steps,
                initial=epoch * self.steps,
                unit="batch",
                mininterval=1.0,
            )

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        self.bar.write(
            f"epoch {epoch + 1}/{self.epochs}: accuracy {logs['accuracy']:.2%}, "
            f"loss {logs['loss']:.4f}; on others {logs['val_accuracy']:.2%}, "
            f"{logs['val_loss']:.4f}"
        )

    def on_train_end(self, logs=None):
        if self.bar:
            self.bar.close()


class Curves(keras.callbacks.Callback):
    """Accuracy and loss of each epoch: for TensorBoard, and as curves.png from log.csv."""

    def __init__(self, out: Path):
        super().__init__()
        self.out = out

    def on_epoch_end(self, epoch, logs=None):
        with SummaryWriter(str(self.out / "tensorboard")) as writer:
            for name, value in logs.items():
                split = "Validation" if name.startswith("val_") else "Training"
                writer.add_scalar(f"{name.removeprefix('val_')}/{split}", value, epoch + 1)
        with (self.out / "log.csv").open(newline="") as log:
            plots.curves(list(csv.DictReader(log)), self.out / "curves.png")
