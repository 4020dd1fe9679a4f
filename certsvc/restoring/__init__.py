"""Backup, restore, recovery, and the fence that keeps a database from going backwards unnoticed."""
