"""Finite networks one can hold: built, initialised, measured."""
