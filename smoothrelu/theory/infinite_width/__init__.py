"""The NNGP kernel and the tangent kernel of infinitely wide networks."""
