"""The inner loops of learning on a CUDA device, compiled by Triton when they are first called.

A module of this package needs Triton, which PyTorch brings with it where it computes on CUDA. What a seed gets depends
on nothing beside it: sums are taken within blocks of its rows, then over the blocks in their order.
"""
