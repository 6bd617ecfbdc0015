"""Fine-tunes a trained model on your own images and masks.

    python examples/finetune.py IMAGES MASKS soil crop weed --output my_model

A mask has the name of its image and holds the class ids 0, 1, ...; 255 is void. One
image in five is used for validation.
"""

import argparse

import keras

import keras_seg
from keras_seg import data

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("images", help="folder of images")
parser.add_argument("masks", help="folder of masks")
parser.add_argument("classes", nargs="+", help="names of the classes")
parser.add_argument("--preset", default="ecenet/ade20k", help="model to begin with")
parser.add_argument("--crop-size", type=int, default=256)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--output", default="my_model", help="folder of the new model")
args = parser.parse_args()

names = args.classes
source = data.SegmentationFolder(args.images, args.masks, class_names=names)
data.check_dataset(source)  # prints problems of the files, and how to fix them


def part(pairs):
    return data.SegmentationFolder(*zip(*pairs, strict=True), class_names=names)


train = part([pair for i, pair in enumerate(source.pairs) if i % 5])
val = part(source.pairs[::5])

model = keras_seg.models.load_model(
    args.preset, num_classes=len(names), class_names=names, compile=False
)
model.compile(keras.optimizers.AdamW(1e-4, clipnorm=1.0))
crops = data.TrainAugmentation((args.crop_size, args.crop_size))
model.fit(
    data.training_dataset(train, batch_size=4, augmentation=crops),
    validation_data=data.evaluation_dataset(val),
    epochs=args.epochs,
)
model.save_to_preset(args.output)
