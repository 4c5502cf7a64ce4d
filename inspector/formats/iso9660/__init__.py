"""ISO 9660 with Rock Ridge and zisofs, read at random."""
