"""A small convolutional network: one radiograph in, one logit out."""

import torch
from torch import nn


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    # GroupNorm, not BatchNorm: averaging running statistics over trusts is wrong.
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        nn.GroupNorm(4, channels_out),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def get_model() -> nn.Module:
    """Input (N, 1, Y, X), output (N,). Both sides call it; the ServerApp's weights are where every run starts."""
    torch.manual_seed(0)
    features = nn.Sequential(block(1, 8), block(8, 16), block(16, 16))
    # Averages of 4 x 4 regions, not of the whole image: a finding is brighter than its surroundings.
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * 16, 1), nn.Flatten(0))
