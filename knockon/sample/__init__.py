"""A believable company to try knockon on, and large estates to measure it with."""

from knockon.sample.scale import AS_OF, SEED, generate
from knockon.sample.writing import SOURCE, write

__all__ = ["AS_OF", "SEED", "SOURCE", "generate", "write"]
