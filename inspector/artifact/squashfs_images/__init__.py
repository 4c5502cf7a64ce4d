"""Readers of files that are a squashfs image and little else: snap, XAR."""
