"""The corpus's desktop application: a table, a plot and a help page.  It goes into the AppDir ``pyqt5-widgets`` and is not part of Inspector."""

# mypy: ignore-errors
from __future__ import annotations

import sys

from PyQt5.QtCore import QPointF, Qt, QTimer
from PyQt5.QtGui import QPainter, QPen, QPolygonF
from PyQt5.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QTableWidget,
    QTableWidgetItem,
    QTextBrowser,
    QWidget,
)

VALUES = [3, 7, 4, 9, 6, 8, 2]


class Plot(QWidget):
    """The values as a line."""

    def paintEvent(self, _event: object) -> None:  # noqa: N802 - Qt's name
        """Draw the line over the whole widget."""
        painter = QPainter(self)
        painter.setPen(QPen(Qt.darkGreen, 2))
        step = self.width() / (len(VALUES) - 1)
        painter.drawPolyline(
            QPolygonF([QPointF(number * step, self.height() * (1 - value / 10)) for number, value in enumerate(VALUES)])
        )


class Window(QMainWindow):
    """Table and plot side by side; the help page opens on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Values")
        table = QTableWidget(len(VALUES), 1)
        for row, value in enumerate(VALUES):
            table.setItem(row, 0, QTableWidgetItem(str(value)))
        centre = QWidget()
        layout = QHBoxLayout(centre)
        layout.addWidget(table)
        layout.addWidget(Plot())
        self.setCentralWidget(centre)
        self.menuBar().addAction("Help", self.show_help)

    def show_help(self) -> None:
        """Open the help page in a window of its own."""
        self.help = QTextBrowser()
        self.help.setHtml("<h1>Values</h1><p>A table and its plot.</p>")
        self.help.show()


def main() -> int:
    """Show the window; with --self-test paint it once, say its size and quit."""
    application = QApplication(sys.argv)
    window = Window()
    window.show()
    if "--self-test" in sys.argv:
        picture = window.grab()
        print(f"{application.platformName()} window of {picture.width()} x {picture.height()}")
        QTimer.singleShot(0, application.quit)
    return application.exec_()


if __name__ == "__main__":
    sys.exit(main())
