-- Records of rounds are hexadecimal digits for the most part, which PostgreSQL's compression spends tens of milliseconds
-- on in a round of a thousand orders, to save little: they are kept as they are.

ALTER TABLE rounds ALTER COLUMN transcript SET STORAGE EXTERNAL;
