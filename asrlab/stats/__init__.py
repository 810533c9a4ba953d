"""Statistics: how sure one may be of a rate and of a difference, in kernels of numpy and tables of pandas."""
