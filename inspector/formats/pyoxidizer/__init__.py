"""PyOxidizer's packed resources."""

from inspector.formats.pyoxidizer.packed_resources import (
    Blob,
    PackedResource,
    PackedResources,
    find_packed_resources,
    read_packed_resources,
)

__all__ = ["Blob", "PackedResource", "PackedResources", "find_packed_resources", "read_packed_resources"]
