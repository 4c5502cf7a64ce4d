"""What the artifact holds of Python: distributions, their metadata, extension modules and the interpreters that load them."""
