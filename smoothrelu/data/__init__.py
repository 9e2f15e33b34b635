"""MNIST and CIFAR-10, every byte checked."""
