"""The report that fits one screen: each section says its subject and returns the rules whose findings it told, so that none is told twice."""
