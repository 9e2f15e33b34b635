"""Gradient descent of one network.

full_batch          gradient_descent, with observers and checkpoints
explicit_backprop   the gradients of an MLP without autograd, and bitwise equal to its
minibatch           stochastic gradient descent on images
observers           what is recorded in training besides losses: the NTK, sign flips, hardness
"""

from smoothrelu.training.full_batch import Diverged as Diverged
from smoothrelu.training.full_batch import gradient_descent as gradient_descent
from smoothrelu.training.observers import CountSignFlips as CountSignFlips
from smoothrelu.training.observers import TrackFiring as TrackFiring
from smoothrelu.training.observers import TrackHardness as TrackHardness
from smoothrelu.training.observers import TrackNTK as TrackNTK
from smoothrelu.training.observers import TrackSubstitution as TrackSubstitution
