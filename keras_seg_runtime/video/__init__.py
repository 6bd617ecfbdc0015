"""Videos and cameras, read and written with OpenCV."""
