"""Whether findings matter to this project."""
