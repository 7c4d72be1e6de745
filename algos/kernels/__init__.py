"""Compiled inner loops. Importing this package sets up the cache of their machine code."""

from algos.kernels import cache

cache.install()
