"""What only the chapters need: tables, figures, statistics, studies, claims, and their runner."""
