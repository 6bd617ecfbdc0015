"""ECENet: its decode head and the layers that only this head uses."""
