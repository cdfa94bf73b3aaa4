"""FLIP SDK: what a Flower app needs to train on FLIP. `from flip import FLIP`."""

from flip.client import FLIP

__all__ = ["FLIP"]
