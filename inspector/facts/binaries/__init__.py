"""What the ELF objects themselves say: which they are, which symbol versions they ask for, which platform tag they allow."""
