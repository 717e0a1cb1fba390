"""Wenzheng: one package a service, a published language between them."""
