"""Image files as RGB arrays."""
