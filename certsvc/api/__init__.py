"""HTTP for departments, and the published tree for everybody. The contract is openapi.yaml."""
