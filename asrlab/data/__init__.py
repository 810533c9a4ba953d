"""Recordings and what was said in them."""
