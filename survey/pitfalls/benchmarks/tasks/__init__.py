"""Downstream sets, one module for each format of a file."""
