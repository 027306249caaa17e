-- From where an API key is good (docs/decisions/0078): networks in CIDR spelling; none: from everywhere.
ALTER TABLE api_keys ADD COLUMN addresses text[] NOT NULL DEFAULT '{}';
