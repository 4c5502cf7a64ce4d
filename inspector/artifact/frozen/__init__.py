"""Readers of programs that carry their Python or their payload in themselves: PyInstaller, Nuitka, PyOxidizer, PyRun, cx_Freeze, scie."""
