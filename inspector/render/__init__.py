"""One output format a module: (Result, options) in, text or bytes out."""
