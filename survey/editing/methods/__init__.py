"""One method, one file, to be read from top to bottom like the paper."""
