"""The 59 most frequent classes of PASCAL-Context; all others count as background.

Names and order: https://cs.stanford.edu/~roozbeh/pascal-context. Colours: ours, all
different.
"""

from keras_seg.data.distinct_colours import distinct_colours

PASCAL_CONTEXT_NAMES = (
    "aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, table, dog, "
    "horse, motorbike, person, pottedplant, sheep, sofa, train, tvmonitor, bag, bed, "
    "bench, book, building, cabinet, ceiling, cloth, computer, cup, door, fence, "
    "floor, flower, food, grass, ground, keyboard, light, mountain, mouse, curtain, "
    "platform, sign, plate, road, rock, shelves, sidewalk, sky, snow, bedclothes, "
    "track, tree, truck, wall, water, window, wood"
).split(", ")

PASCAL_CONTEXT_COLOURS = {
    name: tuple(colour)
    for name, colour in zip(
        PASCAL_CONTEXT_NAMES,
        distinct_colours(len(PASCAL_CONTEXT_NAMES)).tolist(),
        strict=True,
    )
}
