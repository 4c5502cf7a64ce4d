"""Smaller, nothing broken, and proved: plan what can go, do it on a copy, rebuild the artifact, verify it.  The input is never touched."""
