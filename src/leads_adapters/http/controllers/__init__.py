"""The controllers: one for each resource."""
