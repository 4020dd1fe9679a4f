"""Plumbing both services share: settings, problems, logs, health, limits, engine, principal."""
