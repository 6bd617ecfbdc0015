"""Searches for the learning rate and the crop size of a fine-tune with KerasTuner.

    pip install keras-tuner
    python examples/tune.py IMAGES MASKS soil crop weed --output tuned

A mask has the name of its image and holds the class ids 0, 1, ...; 255 is void. One
image in five is used for validation. A search that was interrupted continues.
"""

import argparse

import keras
import keras_tuner

import keras_seg
from keras_seg import data

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("images", help="folder of images")
parser.add_argument("masks", help="folder of masks")
parser.add_argument("classes", nargs="+", help="names of the classes")
parser.add_argument("--preset", default="ecenet/ade20k", help="model to begin with")
parser.add_argument("--trials", type=int, default=8)
parser.add_argument("--epochs", type=int, default=5, help="of each trial")
parser.add_argument("--output", default="tuned", help="folder of search and model")
args = parser.parse_args()

names = args.classes
source = data.SegmentationFolder(args.images, args.masks, class_names=names)


def part(pairs):
    return data.SegmentationFolder(*zip(*pairs, strict=True), class_names=names)


class FineTune(keras_tuner.HyperModel):
    def build(self, hp):
        rate = hp.Float("learning_rate", 3e-5, 1e-3, sampling="log")
        model = keras_seg.models.load_model(
            args.preset, num_classes=len(names), class_names=names, compile=False
        )
        model.compile(keras.optimizers.AdamW(rate, clipnorm=1.0))
        return model

    def fit(self, hp, model, **kwargs):
        side = hp.Choice("crop_size", [128, 192, 256])
        train = part([pair for i, pair in enumerate(source.pairs) if i % 5])
        crops = data.TrainAugmentation((side, side))
        batches = data.training_dataset(train, batch_size=4, augmentation=crops)
        return model.fit(batches, **kwargs)


tuner = keras_tuner.RandomSearch(
    FineTune(),
    objective=keras_tuner.Objective("val_mean_iou", "max"),
    max_trials=args.trials,
    directory=args.output,
    project_name="search",
)
val = data.evaluation_dataset(part(source.pairs[::5]))
tuner.search(validation_data=val, epochs=args.epochs, verbose=2)
tuner.results_summary(num_trials=3)
tuner.get_best_models()[0].save_to_preset(f"{args.output}/preset")
