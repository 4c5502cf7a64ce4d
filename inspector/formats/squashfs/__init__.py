"""SquashFS 4.0, read at random."""
