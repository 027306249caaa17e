"""The only place that names concrete adapters: builds gateways and provers out of settings."""
