"""Recordings: where they come from, how they are stored, who trains and who tests."""
