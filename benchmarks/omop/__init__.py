"""How long a hospital of a million synthetic persons takes: to make, to ask, and to ask through the hub."""
