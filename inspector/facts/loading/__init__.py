"""What is loaded when the bundle runs: roots, plugins, search paths and the graph that the loader makes of them."""
