Eleven levels.
expect: path_too_deep a/b/c/d/e/f/g/h/i/j/x.py
-- a/b/c/d/e/f/g/h/i/j/x.py --
