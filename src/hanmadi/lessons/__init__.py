"""What the lesson files import."""
