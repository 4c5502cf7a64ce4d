"""The Result: one versioned document that renderers, the gate and ``inspect report`` read, and nothing else.

The shape is the contract of the schema ``inspector/result/1``: it is extended, never renamed.  Paths are always text; bytes of a name that are not
UTF-8 are written ``\\xNN``, so that strict encoders take every document.  Bytes are counted raw, unless a field says stored.
"""

from inspector.result.artifact import (
    ArtifactInfo,
    EnvelopeInfo,
    FileEntry,
    FilesInfo,
    NestedArtifact,
    PackageInfo,
    RuleInfo,
    RuntimeInfo,
    SignatureInfo,
    SplashScreenInfo,
    ToolInfo,
)
from inspector.result.document import SCHEMA, Result, Verdict, json_schema, load_result, load_results, to_json
from inspector.result.licensing import ComponentInfo, Exposure, LicensesInfo, LicenseStatement, ShippedBill
from inspector.result.loading import (
    FailedObject,
    Floor,
    FloorCause,
    FloorRequest,
    HostVerdict,
    LibraryInfo,
    NeededInfo,
    Origin,
    RootInfo,
    TagInfo,
)
from inspector.result.sizes import DuplicateGroup, SizeRow, SizesInfo, TreeRow
from inspector.result.slim import SlimAction, SlimCheck, SlimInfo, SlimKept, SlimRow

__all__ = [
    "SCHEMA",
    "ArtifactInfo",
    "ComponentInfo",
    "DuplicateGroup",
    "EnvelopeInfo",
    "Exposure",
    "FailedObject",
    "FileEntry",
    "FilesInfo",
    "Floor",
    "FloorCause",
    "FloorRequest",
    "HostVerdict",
    "LibraryInfo",
    "LicenseStatement",
    "LicensesInfo",
    "NeededInfo",
    "NestedArtifact",
    "Origin",
    "PackageInfo",
    "Result",
    "RootInfo",
    "RuleInfo",
    "RuntimeInfo",
    "ShippedBill",
    "SignatureInfo",
    "SizeRow",
    "SizesInfo",
    "SlimAction",
    "SlimCheck",
    "SlimInfo",
    "SlimKept",
    "SlimRow",
    "SplashScreenInfo",
    "TagInfo",
    "ToolInfo",
    "TreeRow",
    "Verdict",
    "json_schema",
    "load_result",
    "load_results",
    "to_json",
]
