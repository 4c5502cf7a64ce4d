"""Readers of container images and of Flatpak: layers and commits that add up to a tree."""
