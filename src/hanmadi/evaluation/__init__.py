"""How good a model is, on clips and live; thresholds; mining."""
