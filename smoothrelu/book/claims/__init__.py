"""The board of claims: what is claimed, its bounds, its measure and its verdict."""
