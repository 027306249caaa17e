-- Bytes that are promised to somebody before they are there (docs/decisions/0069): they count like those that are.

CREATE TABLE byte_reservations (
    reservation_id uuid   PRIMARY KEY,
    owner          text   NOT NULL,
    lease_id       uuid, -- under which an operator uploads
    size_bytes     bigint NOT NULL CHECK (size_bytes >= 0),
    expires_ms     bigint NOT NULL
);
CREATE INDEX byte_reservations_by_owner ON byte_reservations (owner);

ALTER TABLE artifacts ADD COLUMN lease_id uuid; -- under which an operator uploaded it; NULL: it did not come so
CREATE INDEX artifacts_by_lease ON artifacts (lease_id) WHERE lease_id IS NOT NULL;
