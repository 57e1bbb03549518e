"""Training: recipes, data sources, the loop, checkpoints. Needs torch and numpy alone."""
