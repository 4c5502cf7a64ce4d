"""Files that only a library reads, and that go with the last of its kind: Tcl's scripts, Kerberos' plugins.

The table is in ``rules/prune/libraries.toml``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping

from inspector.artifact.tree import Kind, Tree
from inspector.facts.facts import Facts
from inspector.resources import load_table
from inspector.slim.planning.prune_rules import Matcher, Place, PruneRule
from inspector.slim.planning.removals import Removals


def claim_library_data(facts: Facts, tree: Tree, rules: Mapping[str, PruneRule], removals: Removals) -> int:
    """Claim the data of libraries that go, and say how many files that were; a library that the bundle never had proves nothing."""
    rule = rules.get("library-data")
    claimed = 0
    for row in load_table("prune/libraries.toml")["data"]:
        present = [
            found.path
            for found in facts.objects
            if any(fnmatch.fnmatchcase(found.name, pattern) for pattern in row["libraries"])
        ]
        if rule is None or not present or any(path not in removals for path in present):
            continue
        matcher = Matcher((Place(re.compile(row["directories"]), None),))
        name = present[0].rpartition("/")[2]
        for node in tree:
            if node.kind is not Kind.DIRECTORY and node.path not in removals and matcher.takes(node.path):
                claimed += removals.claim(rule, name, (node.path,), reasons=(f"{name} goes",))
    return claimed
