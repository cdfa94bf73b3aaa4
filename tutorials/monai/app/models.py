"""The network. Replace it with yours; keep `get_model`, which both sides call."""

import torch
from monai.networks.nets import UNet
from torch import nn


def get_model() -> nn.Module:
    """A small 3-D U-Net: one channel in, background and organ out. Input (N, 1, X, Y, Z), multiples of 4."""
    torch.manual_seed(0)  # the same start in every run
    return UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=2,
        channels=(8, 16, 32),
        strides=(2, 2),
        num_res_units=1,
        norm="INSTANCE",  # not BATCH: averaging running statistics over trusts is wrong
    )
