"""What runs of an application really use."""
