"""What is true of an artifact, without an opinion: one collector a module."""
