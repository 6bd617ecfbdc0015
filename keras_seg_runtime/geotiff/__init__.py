"""Images with a georeference."""
