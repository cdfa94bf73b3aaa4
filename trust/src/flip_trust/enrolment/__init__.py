"""From a one-time code to a connected trust: the way is tried first, so that a code is not spent on a closed port."""
