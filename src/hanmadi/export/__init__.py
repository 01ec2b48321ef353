"""Models for other runtimes, and whether they answer alike."""
