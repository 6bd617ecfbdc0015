"""Labels of an image of any size."""
