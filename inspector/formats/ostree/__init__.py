"""OSTree: objects by their SHA-256, in repositories (``repository.py``), in the static deltas that Flatpak bundles are (``static_delta.py``), and the
tree that a commit names (``commit.py``).

Formats: ostree, ``src/libostree/ostree-core.h`` (object types and their GVariants), ``ostree-repo-static-delta-private.h`` (deltas).
"""
