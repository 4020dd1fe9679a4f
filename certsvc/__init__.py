"""The issuer service: departments issue e-certificates and publish what verifiers need."""
