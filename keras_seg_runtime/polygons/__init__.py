"""Label maps as polygons, in the files of tools for labelling."""
