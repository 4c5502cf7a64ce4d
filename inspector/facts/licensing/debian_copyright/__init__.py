"""Debian's copyright files (copyright-format 1.0, and those that are written freely): which licence is the library's own."""
