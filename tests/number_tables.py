"""Tables of what is the same (``=``) and what is not (``≠``), a line each, as the tests of number forms have them."""


def alike(table):
    """Give pairs of forms: the first of each line with each of the others."""
    lines = [[form.strip() for form in line.split("=")] for line in table.strip().splitlines()]
    return [(first, other) for first, *others in lines for other in others]


def unlike(table):
    """Give pairs that must stay different."""
    return [tuple(side.strip() for side in line.split("≠")) for line in table.strip().splitlines()]
