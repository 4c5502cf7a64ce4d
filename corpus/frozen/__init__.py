"""Programs made by freezers: PyInstaller, Nuitka, PyOxidizer's packed resources, frozen modules."""
