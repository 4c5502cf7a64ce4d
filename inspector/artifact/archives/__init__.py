"""Readers of archives and packages: tar, ZIP and what is made of them, deb, rpm, conda's, shell scripts with an archive behind them."""
