"""What can go: from facts to a plan."""
