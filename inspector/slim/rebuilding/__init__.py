"""The output: one module a container."""
