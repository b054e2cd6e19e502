"""A believable company to try knockon on, and large estates to measure it with."""

from knockon.sample.scale import DEFAULT_SEED, generate
from knockon.sample.writing import write

__all__ = ["DEFAULT_SEED", "generate", "write"]
