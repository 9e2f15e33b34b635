"""What a sweep's table says: means over seeds, intervals, exponents."""
