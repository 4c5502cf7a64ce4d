"""Which project a shared library is from and under which licence: ground truth from Debian's packages, the catalogue's making, and what was measured.

See README.md in this directory for the rules of the measurement, which were written down before any package was opened.
"""
