"""The report as one HTML file: templates, style and scripts lie in ``reports/html/``, what they show is prepared here."""
