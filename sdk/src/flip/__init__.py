"""FLIP SDK."""
