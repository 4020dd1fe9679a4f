"""The verifier service: verification API and the window clerk's page."""
