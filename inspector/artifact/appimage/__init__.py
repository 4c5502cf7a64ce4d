"""Readers of AppImages of both types, their runtimes and signatures, and of their relatives that are told apart."""
