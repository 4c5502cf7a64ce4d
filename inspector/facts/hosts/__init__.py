"""The systems that a bundle meets: what is known of each, and what each says to it."""
