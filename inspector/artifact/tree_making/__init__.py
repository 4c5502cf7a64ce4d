"""From the entries of a container's codec to the nodes of a Tree: what all families of readers build with."""
