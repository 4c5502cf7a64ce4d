"""ELF files as the dynamic loader sees them."""
