"""What a unit computes: smooth ReLUs with a temperature, their gates, SUGAR, lambda-GELU."""
