"""Training, evaluation, and the file of a trained network."""
