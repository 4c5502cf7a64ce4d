"""Codecs that know nothing of bundles."""
