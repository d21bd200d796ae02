"""The machine that certifies."""
