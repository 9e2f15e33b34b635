"""Gradient descent of one network, full-batch and minibatch, with observers."""
