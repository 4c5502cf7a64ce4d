"""How the data of ``rules/hosts/`` were made.  The data count; this documents them and makes them again."""
