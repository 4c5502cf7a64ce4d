"""Is the static import graph sound?  Programs run under a bundle's own interpreter; what they really import must be reached statically."""
