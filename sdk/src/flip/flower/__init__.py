"""Helpers for Flower apps on FLIP; everything here is optional. Imports flwr, which the app has anyway."""
