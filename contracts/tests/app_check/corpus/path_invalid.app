A path that leaves the folder.
in-memory:
expect: path_invalid ../x.py
-- ../x.py --
