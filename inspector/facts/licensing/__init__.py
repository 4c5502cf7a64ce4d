"""What the artifact is made of and under which licences: components, their licences, and the copyleft that is reached."""
