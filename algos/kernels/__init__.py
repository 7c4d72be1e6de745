"""Compiled inner loops. Importing this package tells Numba where their code is kept, and when it is out of date."""

from algos.kernels import cache

cache.install()
