"""The new bytes of what changes, and the tree that is to be written."""
