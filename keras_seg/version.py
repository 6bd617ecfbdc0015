"""The version of the package, read by its build."""

__version__ = "0.2.0.dev0"
