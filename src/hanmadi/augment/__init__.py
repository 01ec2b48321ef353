"""What is done to clips in training."""
