"""knockon: a configuration management database that answers what happens if, and why did it."""

__version__ = "0.1.0"
