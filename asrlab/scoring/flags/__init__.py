"""Flags: what is wrong with an answer as a whole: leaks of the context, loops, invention, another language."""
