"""The dynamic loader as a pure model: it parses no file of the bundle."""
