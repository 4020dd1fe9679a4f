"""Watches from outside: is what verifiers read what the database says, and soon enough?"""
