"""The network. Replace it with yours; keep `get_model`, which both sides call."""

import torch
from torch import nn


def get_model() -> nn.Module:
    """A few 3-D convolutions: one channel in, one logit per voxel out. Input (N, 1, Z, Y, X)."""
    torch.manual_seed(0)  # the same start in every run
    return nn.Sequential(
        nn.Conv3d(1, 8, kernel_size=3, padding=1),
        nn.GroupNorm(2, 8),  # not BatchNorm: averaging its statistics over trusts is wrong
        nn.ReLU(),
        nn.Conv3d(8, 8, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv3d(8, 1, kernel_size=1),
    )
