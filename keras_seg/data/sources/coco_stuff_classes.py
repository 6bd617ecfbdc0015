"""The 171 classes of COCO-Stuff, 80 things and 91 kinds of stuff, in their usual order.

Names and ids: https://github.com/nightrome/cocostuff. Colours: ours, all different.
"""

from keras_seg.data.distinct_colours import distinct_colours

COCO_STUFF_NAMES = (
    "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic "
    "light, fire hydrant, stop sign, parking meter, bench, bird, cat, dog, horse, "
    "sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag, tie, "
    "suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball "
    "glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, "
    "knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, "
    "pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, "
    "laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, "
    "refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush, "
    "banner, blanket, branch, bridge, building-other, bush, cabinet, cage, cardboard, "
    "carpet, ceiling-other, ceiling-tile, cloth, clothes, clouds, counter, cupboard, "
    "curtain, desk-stuff, dirt, door-stuff, fence, floor-marble, floor-other, "
    "floor-stone, floor-tile, floor-wood, flower, fog, food-other, fruit, "
    "furniture-other, grass, gravel, ground-other, hill, house, leaves, light, mat, "
    "metal, mirror-stuff, moss, mountain, mud, napkin, net, paper, pavement, pillow, "
    "plant-other, plastic, platform, playingfield, railing, railroad, river, road, "
    "rock, roof, rug, salad, sand, sea, shelf, sky-other, skyscraper, snow, "
    "solid-other, stairs, stone, straw, structural-other, table, tent, textile-other, "
    "towel, tree, vegetable, wall-brick, wall-concrete, wall-other, wall-panel, "
    "wall-stone, wall-tile, wall-wood, water-other, waterdrops, window-blind, "
    "window-other, wood"
).split(", ")

COCO_STUFF_COLOURS = {
    name: tuple(colour)
    for name, colour in zip(
        COCO_STUFF_NAMES,
        distinct_colours(len(COCO_STUFF_NAMES)).tolist(),
        strict=True,
    )
}

# Ids of the published labels, 0 (unlabelled) to 182, that stand for no class.
COCO_STUFF_UNUSED_IDS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
