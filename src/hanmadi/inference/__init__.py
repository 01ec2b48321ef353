"""A model file in, words out: clips, files and live sound. No torch."""
