"""From examples to a run folder."""
