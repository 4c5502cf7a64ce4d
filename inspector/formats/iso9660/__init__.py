"""ISO 9660 (ECMA-119) with Rock Ridge (IEEE P1282) and zisofs version 1, read from any Source; no Joliet, no writing.

::

    image = Iso9660Image(source)            # FormatError, UnsupportedFormat
    for entry in image.walk():              # directories before what lies in them; image.damages says what was passed over
        if stat.S_ISREG(entry.mode):
            content = image.open(entry)     # a Source; zisofs blocks are decoded on demand
"""

from inspector.formats.iso9660.image import Damage, Iso9660Image, IsoEntry
from inspector.formats.iso9660.volume import Volume, has_volume

__all__ = ["Damage", "Iso9660Image", "IsoEntry", "Volume", "has_volume"]
