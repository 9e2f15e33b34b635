"""Wide networks at initialisation: Gaussian expectations, kernel maps, criticality, 1/n."""
