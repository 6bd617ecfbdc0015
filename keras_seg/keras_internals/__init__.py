"""What is taken from inside Keras, keras-hub and the backends."""
