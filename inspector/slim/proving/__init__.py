"""Whether a planned tree still works, and what is to blame where it does not."""
