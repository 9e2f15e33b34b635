"""MNIST and CIFAR-10, every byte checked.

    datasets   load_dataset: the embedded subsets, or the full sets where they were fetched
    download   `make data`: fetches the full sets, or takes them from a folder

A file that is missing, altered or unreadable raises DataError, which says what mends it.
"""

from smoothrelu.data.datasets import DataError as DataError
from smoothrelu.data.datasets import Dataset as Dataset
from smoothrelu.data.datasets import load_dataset as load_dataset
